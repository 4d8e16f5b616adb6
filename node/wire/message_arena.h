// MessageArena: where a protobuf message lives while it is encoded or decoded. The arena's first block is on
// the stack, so that a message of usual size costs few allocations. For encode.cpp and decode.cpp alone: the
// generated types stay inside these.
#pragma once

#include <google/protobuf/arena.h>

#include <array>

#include "wire/shoal.pb.h"

namespace shoal::wire {

class MessageArena {
 public:
  MessageArena() : arena_(options(block_)) {}
  pb::Message& message() { return *google::protobuf::Arena::CreateMessage<pb::Message>(&arena_); }

 private:
  static google::protobuf::ArenaOptions options(std::array<char, 1024>& block) {
    google::protobuf::ArenaOptions options;
    options.initial_block = block.data();
    options.initial_block_size = block.size();
    return options;
  }
  alignas(8) std::array<char, 1024> block_;
  google::protobuf::Arena arena_;
};

}  // namespace shoal::wire
