#include "node/sync/file_fetcher.h"

#include <algorithm>
#include <utility>

#include "node/secure/keys.h"
#include "node/sync/chunker.h"
#include "node/sync/reader.h"

namespace shoal::sync {
namespace {

// Parts that are checked, or looked up in the index, at a time.
constexpr std::size_t kPartsPerStep = 256;
constexpr std::size_t kPartRowBytes = kIdBytes + 4;
// Of pieces of one file that are written at a time: while one is on its way, others gather.
constexpr std::size_t kWritesMax = 2;
// A content that is in no trash is looked for again after a while, and after that each time later.
constexpr Duration kSearchWaitMin = std::chrono::seconds(5);
constexpr Duration kSearchWaitMax = std::chrono::minutes(10);
// Searches take at most a fifth of the time.
constexpr int kRestPerSearch = 4;

std::string staged_path(const ContentName& content) {
  return kPartsPrefix + content.root.hex();
}

void append(const Id& id, Bytes& out) {
  out.insert(out.end(), id.bytes.begin(), id.bytes.end());
}

IndexKey content_key(const Id& group, const ContentName& content) {
  IndexKey key{group, IndexTable::kContent, {}};
  append(content.root, key.key);
  key.key.push_back(content.depth);
  append_u64(content.size, key.key);
  return key;
}

IndexKey part_key(const Id& group, const Id& hash) {
  IndexKey key{group, IndexTable::kPart, {}};
  append(hash, key.key);
  return key;
}

}  // namespace

IndexRow list_row(const Id& group, const ContentName& content, const std::vector<PartRef>& parts) {
  IndexRow list{content_key(group, content), std::nullopt};
  if (!parts.empty()) list.value.emplace();
  for (const PartRef& part : parts) {
    append(part.hash, *list.value);
    append_u32(static_cast<std::uint32_t>(part.bytes), *list.value);
  }
  return list;
}

std::vector<IndexRow> content_rows(const Id& group, const ContentName& content,
                                   const std::vector<PartRef>& parts, bool present) {
  std::vector<IndexRow> rows;
  std::uint64_t offset = 0;
  for (const PartRef& part : parts) {
    IndexRow row{part_key(group, part.hash), std::nullopt};
    append(content.root, row.key.key);
    if (present) {
      row.value.emplace();
      append_u64(offset, *row.value);
      row.value->push_back(content.depth);
      append_u64(content.size, *row.value);
    }
    rows.push_back(std::move(row));
    offset += part.bytes;
  }
  rows.push_back(list_row(group, content, present ? parts : std::vector<PartRef>{}));
  return rows;
}

FileFetcher::FileFetcher(FolderContext& context, FetchListener& listener)
    : context_(context), listener_(listener), parts_(context, *this) {}

std::optional<std::vector<PartRef>> FileFetcher::known_parts(const ContentName& content) const {
  if (content.depth == 0) return std::vector<PartRef>{{content.root, content.size}};
  const auto row = context_.index.find(content_key(context_.group, content));
  if (!row || row->size() % kPartRowBytes != 0) return std::nullopt;
  std::vector<PartRef> parts;
  Reader reader(*row);
  std::uint64_t sum = 0;
  while (!reader.at_end()) {
    PartRef part;
    part.hash = reader.id();
    part.bytes = reader.u32();
    sum += part.bytes;
    parts.push_back(part);
  }
  if (sum != content.size) return std::nullopt;
  return parts;
}

std::vector<ContentName> FileFetcher::listed_contents(const Id& root) const {
  std::vector<ContentName> contents;
  constexpr std::size_t kCandidates = 4;
  for (const IndexRow& row :
       context_.index.list(content_key(context_.group, {root, 0, 0}), true, kCandidates)) {
    Reader reader(row.key.key);
    ContentName content;
    content.root = reader.id();
    content.depth = reader.u8();
    content.size = reader.u64();
    if (content.root == root && reader.at_end()) contents.push_back(content);
  }
  return contents;
}

std::map<Id, Bytes> FileFetcher::known_pages(const ContentName& content) const {
  std::map<Id, Bytes> by_hash;
  if (content.depth == 0) return by_hash;
  const auto parts = known_parts(content);
  std::vector<Bytes> pages;
  if (!parts || build_tree(*parts, &pages) != content) return by_hash;
  for (Bytes& page : pages) {
    const Id hash = sha256(page);
    by_hash.emplace(hash, std::move(page));
  }
  return by_hash;
}

// ---- Which fetches are under way

void FileFetcher::fetch(const NodeId& id, const ContentName& content) {
  if (const auto under_way = by_id_.find(id); under_way != by_id_.end()) {
    if (fetches_.at(under_way->second).content == content) return;
    cancel(id);
  }
  add(id, content, std::nullopt);
}

void FileFetcher::add(const NodeId& id, const ContentName& content, std::optional<Waiting> waiting) {
  const std::uint64_t number = ++begun_;
  Fetch fetch;
  fetch.id = id;
  fetch.content = content;
  if (waiting) fetch.phase = Fetch::Phase::kWaiting;
  fetches_.emplace(number, std::move(fetch));
  by_id_.emplace(id, number);
  if (waiting) {
    waiting_.emplace(number, *waiting);
  } else {
    queue_.insert(number);
  }
}

std::optional<ContentName> FileFetcher::fetching(const NodeId& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return fetches_.at(found->second).content;
}

std::optional<std::vector<PartRef>> FileFetcher::parts_of(const NodeId& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return fetches_.at(found->second).parts;
}

void FileFetcher::cancel(const NodeId& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const std::string staged = fetches_.at(found->second).staged;
  if (!staged.empty()) unneeded_.insert(staged);
  end(found->second);
}

void FileFetcher::cancel_all() {
  while (!fetches_.empty()) end(fetches_.begin()->first);
  measure_ = false;
}

void FileFetcher::used(const FetchedFile& file) {
  const auto found = by_id_.find(file.id);
  if (found != by_id_.end() && fetches_.at(found->second).content == file.content) end(found->second);
}

void FileFetcher::end(std::uint64_t number) {
  const auto found = fetches_.find(number);
  const Fetch& fetch = found->second;
  parts_.forget(number);
  room_.release(fetch.reserved);
  if (fetch.phase == Fetch::Phase::kQueued) {
    queue_.erase(number);
  } else if (fetch.phase == Fetch::Phase::kWaiting) {
    waiting_.erase(number);
  } else {
    if (fetch.phase != Fetch::Phase::kReady) no_longer_active(fetch);
    if (fetch.staged.empty()) small_bytes_ -= fetch.content.size;
    under_way_.erase(fetch.content);
    missing_.erase(fetch.content);
  }
  by_id_.erase(fetch.id);
  fetches_.erase(found);
}

void FileFetcher::no_longer_active(const Fetch& fetch) {
  --active_;
  if (!fetch.staged.empty()) --large_;
}

void FileFetcher::give_up(std::uint64_t number, const std::string& cause, const std::string& message) {
  const NodeId id = fetches_.at(number).id;
  end(number);
  listener_.on_fetch_trouble(id, cause, message, true);
}

FileFetcher::Fetch* FileFetcher::find(std::uint64_t number) {
  const auto found = fetches_.find(number);
  return found == fetches_.end() ? nullptr : &found->second;
}

std::uint64_t FileFetcher::bytes_done() const {
  std::uint64_t done = 0;
  for (const auto& [number, fetch] : fetches_) done += fetch.bytes_done;
  return done;
}

void FileFetcher::advance(Rpc& rpc) {
  // In their order, but a small file need not wait for a large one that is among the first.
  std::size_t looked_at = 0;
  for (auto queued = queue_.begin(); queued != queue_.end() && looked_at < kLookedAt; ++looked_at) {
    Fetch& fetch = fetches_.at(*queued);
    if (under_way_.contains(fetch.content) || removing_.contains(staged_path(fetch.content))) {
      ++queued;
      continue;
    }
    const bool is_large = fetch.content.depth > 0 || !context_.disk.with_content(fetch.content).empty();
    // What is ready may have to wait for what is queued: so one is always under way.
    const bool is_full = is_large ? large_ >= kLargeMax : small_bytes_ >= kSmallBytesMax;
    if (is_full && active_ > 0) {
      if (large_ >= kLargeMax && small_bytes_ >= kSmallBytesMax) break;
      ++queued;
      continue;
    }
    const std::uint64_t number = *queued;
    ++queued;
    if (is_large) {
      queue_.erase(number);
      under_way_.insert(fetch.content);
      ++active_;
      ++large_;
      begin(number, fetch);
    } else if (!want_small(number, fetch) && measure_) {
      break;
    }
  }
  clean_staging();
  look_for_room();
  parts_.advance(rpc);
  search_trash();
}

// ---- Files of one part, from peers

bool FileFetcher::want_small(std::uint64_t number, Fetch& fetch) {
  if (!reserve(number, fetch, fetch.content.size + DiskRoom::kPerFile)) return false;
  queue_.erase(number);
  under_way_.insert(fetch.content);
  ++active_;
  fetch.phase = Fetch::Phase::kSmall;
  small_bytes_ += fetch.content.size;
  WantedPiece piece;
  piece.file = number;
  piece.content = fetch.content;
  piece.hash = fetch.content.root;
  parts_.want(std::move(piece));
  return true;
}

// ---- Files of more parts, or that are here already under another name

void FileFetcher::begin(std::uint64_t number, Fetch& fetch) {
  fetch.staged = staged_path(fetch.content);
  unneeded_.erase(fetch.staged);
  found_staged_.erase(fetch.staged);
  if (auto parts = known_parts(fetch.content); parts && build_tree(*parts, nullptr) == fetch.content) {
    fetch.parts = std::move(*parts);
    return have_parts(number, fetch);
  }
  fetch.phase = Fetch::Phase::kPages;
  fetch.pages.push_back({fetch.content.root, fetch.content.depth, fetch.content.size});
  const DiskEntry* have = context_.disk.find(fetch.id);
  if (have != nullptr && have->content.kind == NodeKind::kFile) {
    fetch.old_pages = known_pages(name_of(have->content));
  }
  next_page(number, fetch);
}

void FileFetcher::next_page(std::uint64_t number, Fetch& fetch) {
  while (!fetch.pages.empty()) {
    const auto here = fetch.old_pages.find(fetch.pages.back().hash);
    if (here == fetch.old_pages.end()) return ask_page(number, fetch);
    if (!take_rows(number, fetch, here->second)) return;
  }
  fetch.old_pages.clear();
  listener_.on_list(fetch.content, fetch.parts);
  have_parts(number, fetch);
}

void FileFetcher::ask_page(std::uint64_t number, Fetch& fetch) {
  WantedPiece piece;
  piece.file = number;
  piece.content = fetch.content;
  piece.is_page = true;
  piece.hash = fetch.pages.back().hash;
  parts_.want(std::move(piece));
}

void FileFetcher::take_page(std::uint64_t number, Fetch& fetch, const WantedPiece& piece, Bytes bytes,
                            const Id& peer) {
  if (sha256(bytes) != fetch.pages.back().hash) {
    ++context_.counters.wrong_parts;
    parts_.blame(peer, fetch.content);
    return parts_.want(piece);
  }
  ++context_.counters.pages_fetched;
  if (take_rows(number, fetch, bytes)) next_page(number, fetch);
}

// Of the first page that is wanted. False: they are no rows, and the fetch has ended.
bool FileFetcher::take_rows(std::uint64_t number, Fetch& fetch, ByteView bytes) {
  const Page page = fetch.pages.back();
  const auto rows = read_page(bytes, page.depth, page.bytes);
  // Its hash is right, so whoever named the content made it so.
  if (!rows) {
    give_up(number, "wrong_content", rows.error().message);
    return false;
  }
  fetch.pages.pop_back();
  if (page.depth == 1) {
    fetch.parts.insert(fetch.parts.end(), rows->begin(), rows->end());
  } else {
    for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
      fetch.pages.push_back({row->hash, static_cast<std::uint8_t>(page.depth - 1), row->bytes});
    }
  }
  return true;
}

void FileFetcher::have_parts(std::uint64_t number, Fetch& fetch) {
  std::uint64_t offset = 0;
  for (const PartRef& part : fetch.parts) {
    fetch.offsets.push_back(offset);
    offset += part.bytes;
  }
  fetch.done.assign(fetch.parts.size(), false);
  fetch.phase = Fetch::Phase::kChecking;
  go_on(number, fetch);
}

StageWork::Part FileFetcher::part_of(const Fetch& fetch, std::size_t index) const {
  StageWork::Part part;
  part.offset = fetch.offsets[index];
  part.bytes = static_cast<std::uint32_t>(fetch.parts[index].bytes);
  part.hash = fetch.parts[index].hash;
  part.index = static_cast<std::uint32_t>(index);
  return part;
}

// Goes through the phases as far as there is nothing to wait for.
void FileFetcher::go_on(std::uint64_t number, Fetch& fetch) {
  if (fetch.phase == Fetch::Phase::kChecking && !check_staged(number, fetch)) return;
  if (fetch.phase == Fetch::Phase::kRoom && !find_room(number, fetch)) return;
  if (fetch.phase == Fetch::Phase::kCopying && !copy_local(number, fetch)) return;
  if (fetch.phase == Fetch::Phase::kParts && !ask_parts(number, fetch)) return;
  ready(fetch, {});
}

bool FileFetcher::check_staged(std::uint64_t number, Fetch& fetch) {
  if (fetch.works > 0) return false;
  if (fetch.next_part < fetch.parts.size()) {
    std::vector<StageWork::Part> parts;
    for (; fetch.next_part < fetch.parts.size() && parts.size() < kPartsPerStep; ++fetch.next_part) {
      parts.push_back(part_of(fetch, fetch.next_part));
      parts.back().source = StageWork::Part::Source::kStaged;
    }
    submit(number, fetch, std::move(parts));
    return false;
  }
  fetch.phase = Fetch::Phase::kRoom;
  return true;
}

// A staging file that was just made is a hole.
void FileFetcher::take_zero_parts(Fetch& fetch) {
  static const Id zeros = sha256(Bytes(kPartBytesMax));
  for (std::size_t i = 0; i < fetch.parts.size(); ++i) {
    if (fetch.done[i] || fetch.parts[i].bytes != kPartBytesMax || fetch.parts[i].hash != zeros) continue;
    fetch.done[i] = true;
    fetch.bytes_done += kPartBytesMax;
  }
}

// For what is not staged yet.
bool FileFetcher::find_room(std::uint64_t number, Fetch& fetch) {
  std::uint64_t bytes = DiskRoom::kPerFile;
  for (std::size_t i = 0; i < fetch.parts.size(); ++i) bytes += fetch.done[i] ? 0 : fetch.parts[i].bytes;
  for_room_.insert(number);
  if (!reserve(number, fetch, bytes)) return false;
  for_room_.erase(number);
  fetch.phase = Fetch::Phase::kCopying;
  fetch.next_part = 0;
  return true;
}

bool FileFetcher::copy_local(std::uint64_t number, Fetch& fetch) {
  if (fetch.works > 0) return false;
  while (fetch.next_part < fetch.parts.size()) {
    std::vector<StageWork::Part> parts;
    for (std::size_t looked_up = 0; fetch.next_part < fetch.parts.size() && looked_up < kPartsPerStep;
         ++fetch.next_part, ++looked_up) {
      if (fetch.done[fetch.next_part]) continue;
      StageWork::Part part = part_of(fetch, fetch.next_part);
      part.source = StageWork::Part::Source::kFile;
      if (find_local(fetch, fetch.next_part, part)) parts.push_back(std::move(part));
    }
    if (parts.empty()) continue;
    submit(number, fetch, std::move(parts));
    return false;
  }
  fetch.phase = Fetch::Phase::kParts;
  fetch.next_part = 0;
  return true;
}

bool FileFetcher::find_local(const Fetch& fetch, std::size_t index, StageWork::Part& into) const {
  for (const NodeId& same : context_.disk.with_content(fetch.content)) {
    into.from = *context_.disk.path(same);
    into.from_offset = fetch.offsets[index];
    return true;
  }
  if (!fetch.found_at.empty()) {
    into.from = fetch.found_at;
    into.from_offset = fetch.offsets[index];
    return true;
  }
  // Most parts of a damaged file are good, and what is copied is verified.
  if (const auto damaged = context_.disk.damaged_with_content(fetch.content)) {
    into.from = *context_.disk.path(*damaged);
    into.from_offset = fetch.offsets[index];
    return true;
  }
  const IndexKey key = part_key(context_.group, fetch.parts[index].hash);
  constexpr std::size_t kCandidates = 4;
  for (const IndexRow& row : context_.index.list(key, true, kCandidates)) {
    Reader name(row.key.key);
    if (name.id() != fetch.parts[index].hash) return false;
    ContentName content;
    content.root = name.id();
    Reader value(*row.value);
    into.from_offset = value.u64();
    content.depth = value.u8();
    content.size = value.u64();
    const std::vector<NodeId> files = context_.disk.with_content(content);
    if (!name.at_end() || !value.at_end() || files.empty()) continue;
    into.from = *context_.disk.path(files.front());
    return true;
  }
  return false;
}

std::size_t FileFetcher::parts_asked_max() const {
  const std::size_t peers = std::max<std::size_t>(parts_.peers(), 1);
  return std::min(kPartsAskedMax, peers * kPartsPerPeer + kPartsBeingWritten);
}

// True when all are there.
bool FileFetcher::ask_parts(std::uint64_t number, Fetch& fetch) {
  const std::size_t asked_max = parts_asked_max();
  for (; fetch.next_part < fetch.parts.size() && fetch.asked < asked_max; ++fetch.next_part) {
    if (fetch.done[fetch.next_part]) continue;
    WantedPiece piece;
    piece.file = number;
    piece.index = static_cast<std::uint32_t>(fetch.next_part);
    piece.content = fetch.content;
    piece.offset = fetch.offsets[fetch.next_part];
    piece.bytes = static_cast<std::uint32_t>(fetch.parts[fetch.next_part].bytes);
    piece.hash = fetch.parts[fetch.next_part].hash;
    parts_.want(std::move(piece));
    ++fetch.asked;
  }
  return fetch.asked == 0 && fetch.works == 0 && fetch.next_part == fetch.parts.size();
}

void FileFetcher::submit(std::uint64_t number, Fetch& fetch, std::vector<StageWork::Part> parts) {
  auto work = std::make_unique<StageWork>(context_.folder);
  work->file = number;
  work->staged = fetch.staged;
  work->file_bytes = fetch.content.size;
  work->parts = std::move(parts);
  ++fetch.works;
  context_.submit(std::move(work));
}

void FileFetcher::write(std::uint64_t number, Fetch& fetch) {
  if (fetch.to_write.empty() || fetch.works >= kWritesMax) return;
  submit(number, fetch, std::exchange(fetch.to_write, {}));
}

void FileFetcher::on_work(StageWork& work) {
  Fetch* fetch = find(work.file);
  if (fetch == nullptr) return;
  --fetch->works;
  if (!work.outcome) {
    const Error error = work.outcome.error();
    if (error.code != ErrorCode::kStoreFull) return give_up(work.file, "io_error", error.message);
    return wait_for_room(work.file, fetch->reserved + DiskRoom::kPerFile, error.message, kRefusedRetry);
  }
  for (StageWork::Part& part : work.parts) take_part(*fetch, part);
  // There was nothing to go on with.
  if (fetch->phase == Fetch::Phase::kChecking && !work.existed) {
    fetch->next_part = fetch->parts.size();
    take_zero_parts(*fetch);
  }
  write(work.file, *fetch);
  go_on(work.file, *fetch);
}

void FileFetcher::take_part(Fetch& fetch, StageWork::Part& part) {
  const bool is_from_peer = part.source == StageWork::Part::Source::kBytes;
  if (part.good) {
    fetch.done[part.index] = true;
    fetch.bytes_done += part.bytes;
    const std::uint64_t written = std::min<std::uint64_t>(fetch.reserved, part.bytes);
    fetch.reserved -= written;
    room_.release(written);
    if (is_from_peer) {
      ++context_.counters.parts_fetched;
      context_.counters.part_bytes_fetched += part.bytes;
    } else if (part.source == StageWork::Part::Source::kFile) {
      ++context_.counters.parts_copied;
      context_.counters.part_bytes_copied += part.bytes;
    } else {
      ++context_.counters.parts_resumed;
    }
  }
  if (!is_from_peer) return;
  --fetch.asked;
  const auto given = fetch.given_by.extract(part.index);
  if (part.good) return;
  ++context_.counters.wrong_parts;
  if (!given.empty()) parts_.blame(given.mapped(), fetch.content);
  fetch.next_part = std::min<std::size_t>(fetch.next_part, part.index);
}

void FileFetcher::ready(Fetch& fetch, Bytes bytes) {
  no_longer_active(fetch);
  fetch.phase = Fetch::Phase::kReady;
  listener_.on_fetched({fetch.id, fetch.content, fetch.staged, std::move(bytes)});
}

// ---- What peers give

void FileFetcher::on_piece(const WantedPiece& piece, Bytes bytes, const Id& peer) {
  Fetch* fetch = find(piece.file);
  if (fetch == nullptr) return;
  switch (fetch->phase) {
    case Fetch::Phase::kSmall:
      if (bytes.size() != fetch->content.size) {
        ++context_.counters.wrong_parts;
        parts_.blame(peer, fetch->content);
        return parts_.want(piece);
      }
      ++context_.counters.parts_fetched;
      context_.counters.part_bytes_fetched += bytes.size();
      return ready(*fetch, std::move(bytes));
    case Fetch::Phase::kPages:
      return take_page(piece.file, *fetch, piece, std::move(bytes), peer);
    case Fetch::Phase::kParts: {
      StageWork::Part part = part_of(*fetch, piece.index);
      part.data = std::move(bytes);
      fetch->given_by[piece.index] = peer;
      fetch->to_write.push_back(std::move(part));
      return write(piece.file, *fetch);
    }
    default:
      return;
  }
}

void FileFetcher::on_piece_missing(const WantedPiece& piece) {
  if (const Fetch* fetch = find(piece.file)) {
    missing_.try_emplace(fetch->content, Missing{context_.now(), kSearchWaitMin});
    listener_.on_fetch_trouble(fetch->id, "no_peer_has_it", "no peer that is connected has this content yet",
                               false);
  }
}

// ---- What only the trash has

Instant FileFetcher::next() const {
  Instant next = parts_.next();
  if (!waiting_.empty() && !room_.is_measuring()) next = std::min(next, room_.measured_at() + kRoomRetry);
  if (is_searching_) return next;
  for (const auto& [content, missing] : missing_) {
    next = std::min(next, std::max(missing.search_at, may_search_at_));
  }
  return next;
}

void FileFetcher::search_trash() {
  const Instant now = context_.now();
  if (is_searching_ || now < may_search_at_) return;
  std::set<ContentName> wanted;
  for (auto& [content, missing] : missing_) {
    if (missing.search_at > now) continue;
    wanted.insert(content);
    missing.search_at = now + missing.wait;
    missing.wait = std::min(2 * missing.wait, kSearchWaitMax);
  }
  if (wanted.empty()) return;
  is_searching_ = true;
  search_began_ = now;
  context_.submit(std::make_unique<TrashSearchWork>(context_.folder, std::move(wanted)));
}

void FileFetcher::on_work(TrashSearchWork& work) {
  is_searching_ = false;
  may_search_at_ = context_.now() + kRestPerSearch * (context_.now() - search_began_);
  for (auto& [number, fetch] : fetches_) {
    const auto found = work.found.find(fetch.content);
    if (found != work.found.end()) take_from_trash(number, fetch, found->second);
  }
}

void FileFetcher::take_from_trash(std::uint64_t number, Fetch& fetch, const TrashSearchWork::Found& found) {
  const bool asks_peers = fetch.phase == Fetch::Phase::kSmall || fetch.phase == Fetch::Phase::kPages ||
                          fetch.phase == Fetch::Phase::kParts;
  // A part that a peer gave after all is being written: the next search finds the content again.
  if (!asks_peers || fetch.works > 0 || !fetch.to_write.empty()) return;
  parts_.forget(number);
  if (fetch.phase == Fetch::Phase::kSmall) {
    small_bytes_ -= fetch.content.size;
    ++large_;
    fetch.staged = staged_path(fetch.content);
  }
  fetch.found_at = found.path;
  fetch.parts = found.parts;
  if (fetch.content.depth == 0) fetch.parts = {{fetch.content.root, fetch.content.size}};
  fetch.pages.clear();
  fetch.old_pages.clear();
  fetch.offsets.clear();
  fetch.given_by.clear();
  fetch.next_part = fetch.asked = 0;
  fetch.bytes_done = 0;
  room_.release(std::exchange(fetch.reserved, 0));
  have_parts(number, fetch);
}

}  // namespace shoal::sync
