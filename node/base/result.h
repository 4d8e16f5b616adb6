// Result<T>: a value, or the Error that says why there is none. For expected failures only; a bug is a
// check().
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace shoal {

// What went wrong, as a program tells it apart. The numbers of those below 100 go on the wire (shoal.proto,
// Refusal.code) and never change.
enum class ErrorCode {
  kNone = 0,
  kMalformed = 1,         // bytes that do not decode, or break a stated bound
  kBadSignature = 2,      // a signature or MAC does not verify
  kBadToken = 3,          // the address token is missing, old or not ours: ask again with the new one
  kBusy = 4,              // a rate limit or a full table; worth another try later
  kTooLarge = 5,          // over the size a command allows
  kNotFound = 6,          // nobody holds it
  kSequenceTooLow = 7,    // a publish item with a higher sequence number is held
  kSequenceConflict = 8,  // an equal sequence number with another value is held
  kCasMismatch = 9,       // compare-and-swap: the held sequence number is not the expected one
  kExpired = 10,          // the item's expiry has passed, or lies too far ahead
  kStoreFull = 11,        // the holder has no room
  kNeedsSession = 12,     // the answer does not fit a datagram: ask again by session
  kUnsupported = 13,      // a command this node does not know

  kTimeout = 100,       // nobody answered in time
  kNotConnected = 101,  // no contact at all
  kCancelled = 102,     // the node is stopping
  kInvalidArgument = 103,
  kIo = 104,       // a file, socket or database refused; the message says which
  kNoPeers = 105,  // no session with anybody in the group
  kExists = 106,   // something of that name is there already
};

// Short lower-case name of a code ("bad_token"), for logs, JSON and counters.
const char* to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kNone;
  std::string message;  // one sentence for a person: what was wrong, where, what was expected
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(ErrorCode code, std::string message = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace shoal
