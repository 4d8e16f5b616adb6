#include "node/sync/client_range_sync.h"

#include <algorithm>
#include <utility>

#include "node/sync/client_file_state_sync.h"
#include "node/sync/reader.h"

namespace shoal::sync {
namespace {

// Before and after the ids of all entries.
constexpr NodeId kBegin{};
NodeId end_of_ids() {
  NodeId end;
  end.replica.bytes.fill(0xff);
  end.counter = ~std::uint64_t{0};
  return end;
}

}  // namespace

wire::NodeId to_wire(const NodeId& id) {
  Bytes bytes;
  append_dot(id, bytes);
  wire::NodeId to{};
  std::ranges::copy(bytes, to.begin());
  return to;
}

NodeId from_wire(const wire::NodeId& id) {
  return Reader(id).dot();
}

bool ClientRangeSync::start() {
  if (requests_left_ == 0) return false;
  ranges_.assign(1, Range{kBegin, end_of_ids(), 0, false});
  return true;
}

wire::RequestBody ClientRangeSync::next_request() const {
  const Range& range = ranges_.back();
  const wire::NodeId lo = to_wire(range.lo);
  const wire::NodeId hi = to_wire(range.hi);
  if (range.is_fetched) return wire::SendRange{context_.group, lo, hi};
  return wire::SendRangeFingerprints{context_.group, lo, hi};
}

bool ClientRangeSync::ask(Rpc& rpc) {
  OutRequest out = context_.request_to(contact_, connection_, FolderContext::Asker::kState);
  out.body = next_request();
  const std::uint32_t number = out.completion.guid.slot;
  if (!rpc.request(std::move(out))) return false;
  request_ = number;
  return true;
}

Result<std::vector<Entry>> ClientRangeSync::on_answer(const Answer& answer, const Knowledge& ours) {
  request_ = 0;
  --requests_left_;
  ++context_.counters.range_requests;
  const Range range = ranges_.back();
  ranges_.pop_back();
  auto entries = take(range, answer, ours);
  if (!entries || requests_left_ == 0) ranges_.clear();
  return entries;
}

Result<std::vector<Entry>> ClientRangeSync::take(const Range& range, const Answer& answer,
                                                 const Knowledge& ours) {
  if (answer.response == nullptr) return fail(answer.error, "no answer");
  const wire::ResponseBody& body = answer.response->body;
  if (range.is_fetched) {
    const auto* changes = std::get_if<wire::RecvChanges>(&body);
    if (changes == nullptr) return fail(answer.error, "the peer gives no entries of a range");
    return take_entries(range, *changes, ours);
  }
  const auto* fingerprints = std::get_if<wire::RecvRangeFingerprints>(&body);
  if (fingerprints == nullptr) return fail(answer.error, "the peer gives no fingerprints of ranges");
  if (const auto taken = take_ranges(range, *fingerprints); !taken) return tl::unexpected(taken.error());
  return std::vector<Entry>();
}

Result<void> ClientRangeSync::take_ranges(const Range& range, const wire::RecvRangeFingerprints& answer) {
  NodeId lo = range.lo;
  for (const wire::RangeFingerprint& part : answer.ranges) {
    const NodeId hi = from_wire(part.hi);
    if (hi <= lo || hi > range.hi) return fail(ErrorCode::kMalformed, "ranges out of order");
    const Id ours = context_.tree.range_fingerprint(lo, hi);
    if (part.count > 0 && part.fingerprint != ours) {
      // Where we have nothing there is nothing to be compared.
      const bool is_fetched = part.count <= kEntriesFew || ours == Id{};
      if (!is_fetched && range.depth == kDepthMax) return fail(ErrorCode::kMalformed, "ranges without end");
      ranges_.push_back({lo, hi, range.depth + 1, is_fetched});
    }
    lo = hi;
  }
  if (lo != range.hi) return fail(ErrorCode::kMalformed, "ranges that end too early");
  return {};
}

Result<std::vector<Entry>> ClientRangeSync::take_entries(const Range& range, const wire::RecvChanges& answer,
                                                         const Knowledge& ours) {
  auto entries = decode_entries(answer.entries, ClientFileStateSync::kEntriesPerPageMax);
  if (!entries) return tl::unexpected(entries.error());
  const auto knowledge = decode_knowledge(answer.knowledge);
  if (!knowledge) return tl::unexpected(knowledge.error());
  if (answer.more && entries->empty()) return fail(ErrorCode::kMalformed, "a page without entries");
  NodeId lo = range.lo;
  for (const Entry& entry : *entries) {
    if (entry.id < lo || entry.id >= range.hi) return fail(ErrorCode::kMalformed, "entries out of order");
    lo = {entry.id.replica, entry.id.counter + 1};
  }
  // Its entries would have changes of which only some are known.
  const bool is_of_same_runs = answer.lineages_hash == 0 || answer.lineages_hash == context_.lineages.hash();
  if (*knowledge != ours || !is_of_same_runs)
    return fail(ErrorCode::kBusy, "the peer knows something else by now");
  if (answer.more && lo < range.hi) ranges_.push_back({lo, range.hi, range.depth, true});
  std::erase_if(*entries, [&](const Entry& entry) { return !is_news(entry); });
  return std::move(*entries);
}

// What would pass a bound is not taken, so asking for it again would not help.
bool ClientRangeSync::is_news(const Entry& entry) const {
  const Entry* have = context_.tree.find(entry.id);
  if (have == nullptr) return fits(entry, kReceivedEntryBytesMax);
  Entry joined = *have;
  return joined.join(entry) && fits(joined, kReceivedEntryBytesMax);
}

}  // namespace shoal::sync
