// SyncPathManager: what peers ask of a folder.

#include <algorithm>
#include <utility>

#include "node/secure/keys.h"
#include "node/sync/sync_path_manager.h"

namespace shoal::sync {
namespace {

// Entries of one page, together with the sender's knowledge.
constexpr std::size_t kChangesBytesMax = 48'000;
// Of runs of more than one replica. A page that then has no room for an entry of any size has runs only.
constexpr std::size_t kTailsBytesMax = 16'000;
constexpr std::size_t kPageBytesTotalMax = 64'000;
static_assert(kEntryBytesMax + kKnownBytesMax <= wire::kFolderBytesMax);
static_assert(2 * kKnownBytesMax <= wire::kKnowledgeBytesMax);

std::size_t entries_bytes_max(const Knowledge& sent, std::size_t lineages_bytes) {
  const std::size_t others = sent.counters().size() * kKnownReplicaBytesMax + 8 + lineages_bytes;
  return std::min(kChangesBytesMax, wire::kFolderBytesMax - std::min(others, wire::kFolderBytesMax));
}

ContentName name_of(const wire::FileContent& content) {
  return {content.root, content.depth, content.size};
}

}  // namespace

bool SyncPathManager::may_serve(const Origin& origin, const wire::Request& request) {
  if (is_running()) return true;
  owner_.respond(origin, request.id, request.kind(), wire::Refusal{ErrorCode::kNotFound, 0});
  return false;
}

void SyncPathManager::serve(const Origin& origin, const wire::Request& request,
                            const wire::OpenFolder& body) {
  if (!may_serve(origin, request)) return;
  const auto peer = read_peer_state(body);
  if (!peer) {
    return owner_.respond(origin, request.id, request.kind(), wire::Refusal{peer.error().code, 0});
  }
  const PeerState ours = our_state();
  owner_.respond(origin, request.id, request.kind(),
                 wire::FolderOpened{ours.replica.bytes, encode_knowledge(ours.knowledge), *ours.fingerprint,
                                    kFolderFormat, ours.lineages});
  if (SyncClient* client = client_of(origin.key)) {
    client->heard(*peer);
    on_sync_complete(*client);
  }
}

void SyncPathManager::serve(const Origin& origin, const wire::Request& request,
                            const wire::SendChanges& body) {
  if (!may_serve(origin, request)) return;
  const auto known = decode_knowledge(body.knowledge);
  if (!known) {
    return owner_.respond(origin, request.id, request.kind(), wire::Refusal{ErrorCode::kMalformed, 0});
  }
  LineageTails lineages;
  if (body.lineages_after) {
    lineages = context_.lineages.tails(*known, body.tips, ReplicaId{*body.lineages_after}, kTailsBytesMax);
  }
  wire::RecvChanges answer;
  answer.lineages = encode_tails(lineages.tails);
  answer.lineages_hash = context_.lineages.hash();
  const std::size_t bytes_max = entries_bytes_max(knowledge_, answer.lineages.size());
  ChangesPage page{{}, {}, true};
  if (!lineages.more && (lineages.tails.empty() || bytes_max >= kEntryBytesMax)) {
    page = context_.tree.changes_since(*known, knowledge_, bytes_max);
  }
  answer.entries = encode_entries(page.entries);
  answer.knowledge = encode_knowledge(page.knowledge);
  answer.more = page.more;
  owner_.respond(origin, request.id, request.kind(), std::move(answer));
  if (SyncClient* client = client_of(origin.key)) client->heard(*known);
}

void SyncPathManager::serve(const Origin& origin, const wire::Request& request,
                            const wire::SendFileDetails& body) {
  if (!may_serve(origin, request)) return;
  wire::RecvFileDetails answer;
  const ContentName content = name_of(body.content);
  std::size_t bytes = 0;
  for (const Id& hash : body.pages) {
    const Bytes* page = page_of(content, hash);
    if (page == nullptr || bytes + page->size() > kPageBytesTotalMax) break;
    bytes += page->size();
    answer.pages.push_back(*page);
  }
  owner_.respond(origin, request.id, request.kind(), std::move(answer));
}

// The pages of the content that was last asked for are kept: they are asked for one after the other.
const Bytes* SyncPathManager::page_of(const ContentName& content, const Id& hash) {
  if (served_pages_.content != content) {
    served_pages_ = {};
    if (content.depth == 0 || context_.disk.with_content(content).empty()) return nullptr;
    std::map<Id, Bytes> pages = applier_.fetcher().known_pages(content);
    if (pages.empty()) return nullptr;
    served_pages_ = {content, std::move(pages)};
  }
  const auto found = served_pages_.pages.find(hash);
  return found == served_pages_.pages.end() ? nullptr : &found->second;
}

void SyncPathManager::serve(const Origin& origin, const wire::Request& request,
                            const wire::SendFileParts& body) {
  if (!may_serve(origin, request)) return;
  if (serving_.size() >= kServingMax) {
    return owner_.respond(origin, request.id, request.kind(), wire::Refusal{ErrorCode::kBusy, 0});
  }
  auto work = std::make_unique<ReadWork>(context_.folder);
  for (const wire::FilePart& part : body.parts) work->ranges.push_back(range_of(part));
  const std::uint64_t number = context_.submit(std::move(work));
  serving_.emplace(number, Serving{origin, request.id});
}

ReadWork::Range SyncPathManager::range_of(const wire::FilePart& part) const {
  ReadWork::Range range;
  const std::vector<NodeId> files = context_.disk.with_content(name_of(part.content));
  const bool is_inside =
      part.offset <= part.content.size && part.bytes <= part.content.size - part.offset && part.bytes > 0;
  if (files.empty() || !is_inside) return range;
  const std::string path = *context_.disk.path(files.front());
  if (context_.is_node_data(path)) return range;
  range.path = path;
  range.expected = context_.disk.find(files.front())->stat;
  range.offset = part.offset;
  range.bytes = part.bytes;
  return range;
}

void SyncPathManager::on_read(ReadWork& work) {
  const auto serving = serving_.extract(work.number);
  if (serving.empty()) return;
  wire::RecvFileParts answer;
  for (ReadWork::Range& range : work.ranges) {
    if (!range.found.empty()) {
      ++context_.counters.parts_served;
      context_.counters.part_bytes_served += range.found.size();
    }
    answer.parts.push_back(std::move(range.found));
  }
  owner_.respond(serving.mapped().origin, serving.mapped().request_id, wire::RequestKind::kSendFileParts,
                 std::move(answer));
}

bool SyncPathManager::may_serve_range(const Origin& origin, const wire::Request& request,
                                      const wire::NodeId& lo, const wire::NodeId& hi) {
  if (!may_serve(origin, request)) return false;
  ErrorCode refused = ErrorCode::kNone;
  if (SyncClient* client = client_of(origin.key); client == nullptr || !client->may_serve_range()) {
    refused = ErrorCode::kBusy;
  } else if (lo >= hi) {
    refused = ErrorCode::kMalformed;
  }
  if (refused == ErrorCode::kNone) return true;
  owner_.respond(origin, request.id, request.kind(), wire::Refusal{refused, 0});
  return false;
}

void SyncPathManager::serve(const Origin& origin, const wire::Request& request,
                            const wire::SendRangeFingerprints& body) {
  if (!may_serve_range(origin, request, body.lo, body.hi)) return;
  wire::RecvRangeFingerprints answer;
  for (const RangeSummary& range :
       context_.tree.divide(from_wire(body.lo), from_wire(body.hi), wire::kRangesMax)) {
    answer.ranges.push_back({to_wire(range.hi), range.fingerprint, range.count});
  }
  owner_.respond(origin, request.id, request.kind(), std::move(answer));
}

void SyncPathManager::serve(const Origin& origin, const wire::Request& request, const wire::SendRange& body) {
  if (!may_serve_range(origin, request, body.lo, body.hi)) return;
  const ChangesPage page =
      context_.tree.entries_in(from_wire(body.lo), from_wire(body.hi), entries_bytes_max(knowledge_, 0));
  owner_.respond(origin, request.id, request.kind(),
                 wire::RecvChanges{encode_entries(page.entries),
                                   encode_knowledge(knowledge_),
                                   page.more,
                                   {},
                                   context_.lineages.hash()});
}

}  // namespace shoal::sync
