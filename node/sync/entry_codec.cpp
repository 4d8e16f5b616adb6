// Entries as bytes, of the index and of messages:
//
//   count of replicas, their ids of 16 bytes in order | count of entries, each:
//     id | place | content | metadata | deletion | bytes of signature, signature
//   a register: count of versions, each: dot, lamport, value | context: count of dots, each
//   a dot: index of its replica, counter | a text: its bytes, text | numbers: LEB128, as short as can be
//
// Versions are in the order of Register, contexts in that of replicas: equal entries have equal bytes.

#include <optional>
#include <set>

#include "node/sync/content_tree.h"
#include "node/sync/reader.h"
#include "node/sync/tree.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kTableMax = 4096;  // replicas
constexpr std::size_t kSignatureBytesMax = 256;
constexpr std::uint64_t kModeMax = 0777;

// ---- Writing

void append_number(std::uint64_t number, Bytes& out) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<std::uint8_t>(number | 0x80));
  out.push_back(static_cast<std::uint8_t>(number));
}

class Writer {
 public:
  explicit Writer(const std::set<ReplicaId>& replicas) {
    append_number(replicas.size(), out_);
    std::uint64_t index = 0;
    for (const ReplicaId& replica : replicas) {
      index_.emplace(replica, index++);
      out_.insert(out_.end(), replica.bytes.begin(), replica.bytes.end());
    }
  }

  void number(std::uint64_t value) { append_number(value, out_); }
  void dot(const Dot& dot) {
    number(index_.at(dot.replica));
    number(dot.counter);
  }
  void text(std::string_view text) {
    number(text.size());
    out_.insert(out_.end(), text.begin(), text.end());
  }
  void knowledge(const Knowledge& knowledge) {
    number(knowledge.counters().size());
    for (const auto& [replica, counter] : knowledge.counters()) dot({replica, counter});
  }
  void value(const Place& place) {
    dot(place.parent);
    text(place.name);
    dot(place.previous_parent);
    dot(place.content);
  }
  void value(const Content& content) {
    number(static_cast<std::uint64_t>(content.kind));
    if (content.kind == NodeKind::kFile) {
      out_.insert(out_.end(), content.root.bytes.begin(), content.root.bytes.end());
      number(content.depth);
      number(content.size);
      append_u64(static_cast<std::uint64_t>(content.mtime_ns), out_);
    } else if (content.kind == NodeKind::kLink) {
      text(content.target);
    }
  }
  void value(const Metadata& metadata) { number(metadata.mode); }
  void value(const Deletion& deletion) { knowledge(deletion.seen); }
  template <class V>
  void reg(const Register<V>& reg) {
    number(reg.versions().size());
    for (const Version<V>& version : reg.versions()) {
      dot(version.dot);
      number(version.lamport);
      value(version.value);
    }
    knowledge(reg.context());
  }
  void entry(const Entry& entry) {
    dot(entry.id);
    reg(entry.place);
    reg(entry.content);
    reg(entry.metadata);
    reg(entry.deletion);
    number(entry.signature.size());
    out_.insert(out_.end(), entry.signature.begin(), entry.signature.end());
  }
  Bytes take() { return std::move(out_); }

 private:
  std::map<ReplicaId, std::uint64_t> index_;
  Bytes out_;
};

void add_replicas(const Knowledge& knowledge, std::set<ReplicaId>& into) {
  for (const auto& [replica, counter] : knowledge.counters()) into.insert(replica);
}

void add_replicas(const Entry& entry, std::set<ReplicaId>& into) {
  into.insert(entry.id.replica);
  add_replicas(entry.place.context(), into);
  add_replicas(entry.content.context(), into);
  add_replicas(entry.metadata.context(), into);
  add_replicas(entry.deletion.context(), into);
  for (const Version<Place>& place : entry.place.versions()) {
    into.insert(place.value.parent.replica);
    into.insert(place.value.previous_parent.replica);
    into.insert(place.value.content.replica);
  }
  for (const Version<Deletion>& deletion : entry.deletion.versions()) {
    add_replicas(deletion.value.seen, into);
  }
}

// ---- Reading. The first thing that is wrong ends it; everything after reads as nothing.

class Decoder {
 public:
  explicit Decoder(ByteView bytes) : reader_(bytes), left_(bytes.size()) {}

  const std::string& problem() const { return problem_; }
  // All is read, and every replica of the table was named: equal entries have equal bytes.
  bool at_end() const { return problem_.empty() && reader_.at_end() && named_.size() == replicas_.size(); }

  void replicas() {
    const std::uint64_t count = number(kTableMax, "replicas");
    for (std::uint64_t i = 0; i < count && fine(); ++i) {
      replicas_.push_back(reader_.replica());
      if (i > 0 && !(replicas_[i - 1] < replicas_[i])) wrong("replicas out of order");
    }
  }

  std::uint64_t number(std::uint64_t max, const char* what) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && fine(); shift += 7) {
      const std::uint8_t byte = reader_.u8();
      const std::uint64_t bits = byte & 0x7f;
      if (shift == 63 && bits > 1) break;
      value |= bits << shift;
      if ((byte & 0x80) == 0) {
        const bool is_short = shift == 0 || byte != 0;
        if (value <= max && is_short && !reader_.overrun()) return value;
        break;
      }
    }
    wrong(what);
    return 0;
  }
  // An element takes a byte at least, so no count can be over what is left.
  std::uint64_t count(std::uint64_t max, const char* what) {
    return number(std::min<std::uint64_t>(max, left_), what);
  }
  Dot dot(std::uint64_t max) {
    const std::uint64_t index = number(kTableMax, "the index of a replica");
    const std::uint64_t counter = number(max, "a counter");
    if (!fine()) return {};
    if (index >= replicas_.size()) {
      wrong("the index of a replica");
      return {};
    }
    named_.insert(index);
    return {replicas_[index], counter};
  }
  // Of an entry: by a change, or of a conflict copy.
  NodeId id() {
    const NodeId id = dot(~std::uint64_t{0});
    const std::uint64_t counter = id.counter & ~kConflictBit;
    if (counter == 0 || counter > kCounterMax) wrong("the id of an entry");
    return id;
  }
  NodeId parent() {
    const NodeId id = dot(~std::uint64_t{0});
    if (id == kRoot) return id;
    const std::uint64_t counter = id.counter & ~kConflictBit;
    if (counter == 0 || counter > kCounterMax) wrong("the id of a parent");
    return id;
  }
  Knowledge knowledge() {
    Knowledge knowledge;
    const std::uint64_t size = count(kTableMax, "dots of a context");
    std::optional<ReplicaId> before;
    for (std::uint64_t i = 0; i < size && fine(); ++i) {
      const Dot known = dot(kCounterMax);
      if (known.counter == 0 || (before && !(*before < known.replica))) wrong("a context out of order");
      before = known.replica;
      knowledge.add(known);
    }
    return knowledge;
  }
  std::string text(std::size_t max, const char* what) {
    const ByteView bytes = reader_.take(static_cast<std::size_t>(number(max, what)));
    if (reader_.overrun()) wrong(what);
    return {bytes.begin(), bytes.end()};
  }
  void value(Place& place) {
    place.parent = parent();
    place.name = text(kNameBytesMax, "the bytes of a name");
    place.previous_parent = parent();
    place.content = dot(kCounterMax);
    if (place.content.counter == 0) wrong("the content of a place");
    if (fine() && !is_valid_name(place.name)) wrong("a name that no entry may have");
  }
  void value(Content& content) {
    content.kind = static_cast<NodeKind>(number(3, "the kind of an entry"));
    if (content.kind == NodeKind::kFile) {
      content.root = reader_.id();
      content.depth = static_cast<std::uint8_t>(number(kDepthMax, "the depth of a content"));
      content.size = number(kFileBytesMax, "the size of a content");
      content.mtime_ns = static_cast<std::int64_t>(reader_.u64());
      if (reader_.overrun() || !is_plausible({content.root, content.depth, content.size})) wrong("a content");
    } else if (content.kind == NodeKind::kLink) {
      content.target = text(kLinkBytesMax, "the bytes of a link");
      if (content.target.empty() || content.target.find('\0') != std::string::npos)
        wrong("the target of a link");
    } else if (content.kind != NodeKind::kDirectory) {
      wrong("the kind of an entry");
    }
  }
  void value(Metadata& metadata) {
    metadata.mode = static_cast<std::uint32_t>(number(kModeMax, "permission bits"));
  }
  void value(Deletion& deletion) { deletion.seen = knowledge(); }
  template <class V>
  Register<V> reg() {
    std::vector<Version<V>> versions;
    const std::uint64_t size = count(kEntryBytesMax, "concurrent versions");
    for (std::uint64_t i = 0; i < size && fine(); ++i) {
      Version<V> version;
      version.dot = dot(kCounterMax);
      version.lamport = number(kCounterMax, "a Lamport time");
      value(version.value);
      if (version.dot.counter == 0) wrong("the dot of a version");
      versions.push_back(std::move(version));
    }
    Knowledge context = knowledge();
    for (const Version<V>& version : versions) {
      if (!context.covers(version.dot)) wrong("a version that its context does not know");
    }
    Register<V> made = Register<V>::from_parts(versions, std::move(context));
    if (fine() && made.versions() != versions) wrong("versions out of order");
    return made;
  }
  Entry entry() {
    Entry entry;
    entry.id = id();
    entry.place = reg<Place>();
    entry.content = reg<Content>();
    entry.metadata = reg<Metadata>();
    entry.deletion = reg<Deletion>();
    const std::string signature = text(kSignatureBytesMax, "the bytes of a signature");
    entry.signature.assign(signature.begin(), signature.end());
    if (entry.place.empty() || entry.metadata.empty()) wrong("an entry without a register");
    return entry;
  }

 private:
  bool fine() const { return problem_.empty(); }
  void wrong(const char* what) {
    if (problem_.empty()) problem_ = std::string("malformed entries: ") + what;
  }

  Reader reader_;
  std::size_t left_;
  std::vector<ReplicaId> replicas_;
  std::set<std::uint64_t> named_;  // indices of replicas_
  std::string problem_;
};

}  // namespace

Bytes encode_entries(const std::vector<Entry>& entries) {
  std::set<ReplicaId> replicas;
  for (const Entry& entry : entries) add_replicas(entry, replicas);
  Writer writer(replicas);
  writer.number(entries.size());
  for (const Entry& entry : entries) writer.entry(entry);
  return writer.take();
}

Result<std::vector<Entry>> decode_entries(ByteView bytes, std::size_t entries_max) {
  Decoder decoder(bytes);
  decoder.replicas();
  const std::uint64_t size = decoder.count(entries_max, "the count of entries");
  std::vector<Entry> entries;
  for (std::uint64_t i = 0; i < size && decoder.problem().empty(); ++i) entries.push_back(decoder.entry());
  if (!decoder.problem().empty()) return fail(ErrorCode::kMalformed, decoder.problem());
  if (!decoder.at_end()) return fail(ErrorCode::kMalformed, "malformed entries: bytes or replicas too many");
  return entries;
}

Bytes encode_entry(const Entry& entry) {
  return encode_entries({entry});
}

Result<Entry> decode_entry(ByteView bytes) {
  auto entries = decode_entries(bytes, 1);
  if (!entries) return tl::unexpected(entries.error());
  if (entries->empty()) return fail(ErrorCode::kMalformed, "no entry");
  return std::move(entries->front());
}

std::size_t entry_bytes(const Entry& entry) {
  return encode_entry(entry).size();
}

namespace {

// Without encoding anything, and as if each dot were that of a replica of its own.
class AtMost {
 public:
  explicit AtMost(const Entry& entry) {
    dots(1);
    add(entry.place);
    add(entry.content);
    add(entry.metadata);
    add(entry.deletion);
    bytes_ += 8 * kNumber + entry.signature.size();
  }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kNumber = 9;
  void dots(std::size_t count) { bytes_ += count * (kReplicaIdBytes + 2 * kNumber); }
  void value(const Place& place) {
    dots(3);
    bytes_ += kNumber + place.name.size();
  }
  void value(const Content& content) { bytes_ += 5 * kNumber + kIdBytes + content.target.size(); }
  void value(const Metadata&) { bytes_ += kNumber; }
  void value(const Deletion& deletion) {
    dots(deletion.seen.counters().size());
    bytes_ += kNumber;
  }
  template <class V>
  void add(const Register<V>& reg) {
    dots(reg.versions().size() + reg.context().counters().size());
    bytes_ += (2 + reg.versions().size()) * kNumber;
    for (const Version<V>& version : reg.versions()) value(version.value);
  }

  std::size_t bytes_ = 0;
};

}  // namespace

bool fits(const Entry& entry, std::size_t bytes_max) {
  return AtMost(entry).bytes() <= bytes_max || entry_bytes(entry) <= bytes_max;
}

Bytes encode_knowledge(const Knowledge& knowledge) {
  std::set<ReplicaId> replicas;
  add_replicas(knowledge, replicas);
  Writer writer(replicas);
  writer.knowledge(knowledge);
  return writer.take();
}

Result<Knowledge> decode_knowledge(ByteView bytes) {
  Decoder decoder(bytes);
  decoder.replicas();
  Knowledge knowledge = decoder.knowledge();
  if (!decoder.problem().empty()) return fail(ErrorCode::kMalformed, decoder.problem());
  if (!decoder.at_end())
    return fail(ErrorCode::kMalformed, "malformed knowledge: bytes or replicas too many");
  return knowledge;
}

}  // namespace shoal::sync
