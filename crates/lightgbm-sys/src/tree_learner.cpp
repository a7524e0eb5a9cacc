// Tree learner by the settings: the one that grows a tree on one machine's processor, with constant leaves.
//
// Stands in for LightGBM's file of this name. That one also refers to learners for several machines, for GPUs and with
// linear leaves, which nothing here can ask for and which take half of LightGBM's compilation.

#include <LightGBM/tree_learner.h>
#include <LightGBM/utils/log.h>

#include <string>

#include "serial_tree_learner.h"

namespace LightGBM {

TreeLearner* TreeLearner::CreateTreeLearner(const std::string& learner_type, const std::string& device_type,
                                            const Config* config, const bool) {
  if (learner_type != "serial" || device_type != "cpu" || config->linear_tree) {
    Log::Fatal("This build has only tree_learner=serial on device_type=cpu, without linear_tree");
  }
  return new SerialTreeLearner(config);
}

}  // namespace LightGBM
