//! Drawing of strokes.

/// Draws a straight stroke with round ends, `width` pixels wide, in full ink on a square canvas `[side, side]`.
///
/// # Panics
/// If `canvas` has fewer than `side * side` pixels.
pub fn draw_line(canvas: &mut [u8], side: usize, from: (f32, f32), to: (f32, f32), width: f32) {
    let along = (to.0 - from.0, to.1 - from.1);
    let length = (along.0 * along.0 + along.1 * along.1).max(f32::EPSILON);
    let radius = width / 2.0;
    let range = |a: f32, b: f32| ((a.min(b) - radius).max(0.0) as usize, ((a.max(b) + radius) as usize + 1).min(side));
    let ((left, right), (top, bottom)) = (range(from.0, to.0), range(from.1, to.1));
    for y in top..bottom {
        for x in left..right {
            let (dx, dy) = (x as f32 - from.0, y as f32 - from.1);
            let share = ((dx * along.0 + dy * along.1) / length).clamp(0.0, 1.0);
            let (ox, oy) = (dx - share * along.0, dy - share * along.1);
            if ox * ox + oy * oy <= radius * radius {
                canvas[y * side + x] = 255;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_have_their_width_and_are_clipped_to_the_canvas() {
        let mut canvas = [0; 100];
        draw_line(&mut canvas, 10, (2.0, 5.0), (7.0, 5.0), 2.0);
        let inked: Vec<usize> = (0..100).filter(|&pixel| canvas[pixel] > 0).collect();
        assert_eq!(inked, [42, 43, 44, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 58, 62, 63, 64, 65, 66, 67]);
        draw_line(&mut canvas, 10, (-3.0, -3.0), (14.0, 14.0), 4.0);
        assert!((0..10).all(|step| canvas[11 * step] == 255));
    }
}
