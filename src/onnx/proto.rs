//! Encoder of the protobuf messages of an ONNX file.
//!
//! A protobuf message is a sequence of fields. Each field is a key (field number times 8 plus wire type) and a value: a
//! varint (wire type 0), four bytes (wire type 5), or a length and that many bytes (wire type 2: texts, arrays, nested
//! messages). The fields that are used, with their numbers from
//! [onnx.proto](https://github.com/onnx/onnx/blob/main/onnx/onnx.proto):
//!
//! | message | fields |
//! |---|---|
//! | `ModelProto` | 1 `ir_version`, 2 `producer_name`, 3 `producer_version`, 6 `doc_string`, 7 `graph`, 8 `opset_import`, 14 `metadata_props` |
//! | `OperatorSetIdProto` | 2 `version` (without 1 `domain`: the standard's own operators) |
//! | `StringStringEntryProto` | 1 `key`, 2 `value` |
//! | `GraphProto` | 1 `node`, 2 `name`, 5 `initializer`, 11 `input`, 12 `output` |
//! | `NodeProto` | 1 `input`, 2 `output`, 3 `name`, 4 `op_type`, 5 `attribute` |
//! | `AttributeProto` | 1 `name`, 2 `f`, 3 `i`, 8 `ints`, 20 `type` (1 float, 2 int, 7 ints) |
//! | `TensorProto` | 1 `dims`, 2 `data_type` (1 float32, 7 int64), 8 `name`, 9 `raw_data` (little-endian) |
//! | `ValueInfoProto` | 1 `name`, 2 `type` |
//! | `TypeProto` | 1 `tensor_type` |
//! | `TypeProto.Tensor` | 1 `elem_type` (1 float32), 2 `shape` |
//! | `TensorShapeProto` | 1 `dim` |
//! | `TensorShapeProto.Dimension` | 1 `dim_value`, 2 `dim_param` |

/// A message under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// Appends an integer field; negative numbers in two's complement, as `int64`.
    pub fn integer(mut self, field: u32, value: i64) -> Self {
        self.key(field, 0);
        self.varint(value as u64);
        self
    }

    /// Appends a `float` field.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Appends a field of bytes.
    pub fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// Appends a text field.
    pub fn text(self, field: u32, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// Appends a nested message.
    pub fn message(self, field: u32, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    /// Appends a repeated field of messages.
    pub fn messages(self, field: u32, messages: &[Self]) -> Self {
        messages.iter().fold(self, |whole, message| whole.message(field, message))
    }

    /// Appends a repeated field of integers, unpacked.
    pub fn integers(self, field: u32, values: &[i64]) -> Self {
        values.iter().fold(self, |whole, &value| whole.integer(field, value))
    }

    /// Returns the encoded message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    /// Appends a varint: seven bits a byte, lowest first; the eighth bit is set if more bytes follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_encoded_as_in_the_protobuf_documentation() {
        // The examples of protobuf.dev/programming-guides/encoding.
        assert_eq!(Message::default().integer(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().text(2, "testing").into_bytes(), [&[0x12, 0x07][..], b"testing"].concat());
        let inner = Message::default().integer(1, 150);
        assert_eq!(Message::default().message(3, &inner).into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let minus_two = [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Message::default().integer(1, -2).into_bytes(), minus_two);
        assert_eq!(Message::default().float(2, 1.0).into_bytes(), [0x15, 0, 0, 0x80, 0x3f]);
        // A field number above 15 takes two bytes.
        assert_eq!(Message::default().integer(20, 7).into_bytes(), [0xa0, 0x01, 0x07]);
        assert_eq!(Message::default().integers(8, &[2, 2]).into_bytes(), [0x40, 2, 0x40, 2]);
    }
}
