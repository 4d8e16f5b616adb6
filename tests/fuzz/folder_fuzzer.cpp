// What a peer of a folder may send, what may stand in an index or an ignore list, and what somebody may have
// stored as a tree: the first byte says which.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "node/base/check.h"
#include "node/sync/content_tree.h"
#include "node/sync/disk_state.h"
#include "node/sync/ignore.h"
#include "node/sync/stored_tree.h"
#include "node/sync/tree.h"

namespace {

using namespace shoal;
using namespace shoal::sync;

// Whatever peers tell, what is shown hangs from the root, and under names that differ.
void expect_tree(const Tree& tree) {
  std::set<std::pair<NodeId, std::string>> names;
  std::size_t shown_count = 0;
  for (const NodeId& id : tree.ids()) {
    const auto shown = tree.shown(id);
    if (!shown) continue;
    ++shown_count;
    check(is_valid_name(shown->name), "what is shown has a name that may be on a disk");
    check(names.emplace(shown->parent, shown->name).second, "no two have one name");
    check(tree.child(shown->parent, shown->name) == shown, "what is shown is found by its name");
    std::size_t depth = 0;
    for (NodeId at = id; at != kRoot; at = tree.shown(at)->parent) {
      check(tree.shown(at).has_value(), "what something lies in is shown");
      check(++depth <= tree.size() + 1, "nothing lies in itself");
    }
  }
  std::size_t found = 0;
  std::vector<NodeId> directories = {kRoot};
  while (!directories.empty()) {
    const NodeId directory = directories.back();
    directories.pop_back();
    for (const Shown& child : tree.children(directory)) {
      ++found;
      if (child.content.kind == NodeKind::kDirectory) directories.push_back(child.id);
    }
  }
  check(found == shown_count, "all that is shown is found from the root");
}

void entries(ByteView bytes) {
  constexpr std::size_t kEntriesMax = 200;
  const auto decoded = decode_entries(bytes, kEntriesMax);
  if (!decoded) return;
  check(
      encode_entries(*decoded).size() == bytes.size() && std::ranges::equal(encode_entries(*decoded), bytes),
      "equal entries have equal bytes");
  Tree tree;
  Knowledge all;
  for (const Entry& entry : *decoded) {
    // One that breaks the rules may hold what the tree knows to be replaced. Once it is joined, both have
    // heard of the same writes, and what either holds stays (entry.h): the second join may tell something
    // new, too.
    tree.join(entry);
    tree.join(entry);
    check(!tree.join(entry), "joining again tells nothing new");
    for (const Dot& dot : entry.dots()) all.add(dot);
  }
  expect_tree(tree);
  (void)tree.changes_since({}, all, 1000);
}

void knowledge(ByteView bytes) {
  const auto decoded = decode_knowledge(bytes);
  if (decoded)
    check(std::ranges::equal(encode_knowledge(*decoded), bytes), "equal knowledge has equal bytes");
}

void page(ByteView bytes) {
  if (bytes.size() < 9) return;
  std::uint64_t size = 0;
  for (const std::uint8_t byte : bytes.first(8)) size = size << 8 | byte;
  const auto rows = read_page(bytes.subspan(9), bytes[8], size);
  if (!rows) return;
  std::uint64_t sum = 0;
  for (const PartRef& row : *rows) sum += row.bytes;
  check(sum == size, "what a page names is as long as it was said to be");
}

void disk_entry(ByteView bytes) {
  const auto decoded = decode_disk_entry(NodeId{}, bytes);
  if (!decoded) return;
  const auto again = decode_disk_entry(NodeId{}, encode_disk_entry(*decoded));
  check(again && *again == *decoded, "it survives encoding");
}

void stored_listing(ByteView bytes) {
  const auto decoded = decode_listing(bytes);
  if (!decoded) return;
  check(std::ranges::equal(encode_listing(*decoded), bytes), "equal listings have equal bytes");
  for (const StoredEntry& entry : decoded->entries) {
    check(is_valid_name(entry.name), "what is got has a name that may be on a disk");
  }
}

void stored_head(ByteView bytes) {
  const auto opened = open_head({}, bytes);
  if (opened) check(is_plausible(opened->name), "what a head names can be");
  check(!open_head(Secret{}, bytes), "nobody but who has the key makes a head that it opens");
  (void)TreeLink::parse(std::string(bytes.begin(), bytes.end()));
}

// The first line is the path.
void ignore(ByteView bytes) {
  const std::string text(bytes.begin(), bytes.end());
  const std::string path = text.substr(0, text.find('\n'));
  const Ignore both(IgnoreList::parse(text), IgnoreList::parse(path));
  (void)both.ignored(path, false);
  (void)both.ignored(path, true);
}

void name(ByteView bytes) {
  const std::string text(bytes.begin(), bytes.end());
  if (!is_valid_name(text)) return;
  const std::string folded = fold_name(text);
  check(fold_name(folded) == folded, "what is folded stays as it is");
  check(is_valid_name(conflict_name(text, Dot{ReplicaId{}, kCounterMax}, 1)), "a copy has a name as well");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  switch (data[0]) {
    case 'e':
      entries(rest);
      break;
    case 'k':
      knowledge(rest);
      break;
    case 'p':
      page(rest);
      break;
    case 'd':
      disk_entry(rest);
      break;
    case 'i':
      ignore(rest);
      break;
    case 'n':
      name(rest);
      break;
    case 'l':
      stored_listing(rest);
      break;
    case 'h':
      stored_head(rest);
      break;
  }
  return 0;
}
