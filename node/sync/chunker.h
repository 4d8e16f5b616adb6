// Chunker: cuts a file into parts where its content says so, so that what is inserted or removed changes the
// parts around it only. FastCDC (Xia et al. 2016, 2020) with normalised chunking: a gear hash rolls over the
// bytes; up to a certain size a cut needs more of its bits to be zero, beyond it fewer.
#pragma once

#include <cstddef>

#include "node/base/bytes.h"

namespace shoal::sync {

inline constexpr std::size_t kPartBytesMin = 8 << 10;
inline constexpr std::size_t kPartBytesMean = 32 << 10;  // of what does not repeat itself: within 5 %
inline constexpr std::size_t kPartBytesMax = 64 << 10;

// The length of the first part of `bytes`, of which the rest of the file follows unless `is_end`. 0: more
// bytes are needed to tell (never with kPartBytesMax or more, or at the end of a file that is not empty).
// Deterministic, for ever: the cuts are part of the protocol. Golden tests hold it.
std::size_t next_cut(ByteView bytes, bool is_end);

}  // namespace shoal::sync
