// What becomes of a person's changes when others make theirs at the same time.
#include "node/sync/local_changes.h"

#include <gmock/gmock.h>

#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> paths(const Tree& tree) {
  std::vector<std::string> paths;
  for (const auto& [path, shown] : shown_paths(tree)) paths.push_back(path);
  return paths;
}

// Three replicas that all hold one file "f".
class LocalChanges : public testing::Test {
 protected:
  LocalChanges() {
    file_ = a_.create(kRoot, "f", file_of(0));
    meet();
  }
  void meet() { exchange_all(replicas_); }
  // On every replica, in the order of paths.
  std::vector<Content> contents() {
    std::vector<Content> contents;
    for (const auto& [path, shown] : shown_paths(a_.tree())) contents.push_back(shown.content);
    for (const FolderReplica& other : replicas_) EXPECT_EQ(shown_paths(other.tree()), shown_paths(a_.tree()));
    return contents;
  }
  // Two edits at once: B's wins, A's is the conflict copy.
  NodeId make_conflict() {
    a_.edit(file_, file_of(1));
    b_.edit(file_, file_of(2));
    meet();
    const auto copies = a_.tree().conflict_copies();
    EXPECT_THAT(copies, SizeIs(1));
    return copies.front();
  }

  std::vector<FolderReplica> replicas_ = some_replicas(3);
  FolderReplica& a_ = replicas_[0];
  FolderReplica& b_ = replicas_[1];
  FolderReplica& c_ = replicas_[2];
  NodeId file_;
};

TEST_F(LocalChanges, AnEditOverAStaleBaseIsConcurrent) {
  a_.edit(file_, file_of(1));
  b_.pull(a_);  // not on B's disk yet
  b_.edit(file_, file_of(2));
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(2), file_of(1)));
}

TEST_F(LocalChanges, ADeletionOverAStaleBaseLeavesWhatCameLater) {
  a_.edit(file_, file_of(1));
  b_.pull(a_);
  b_.remove(file_);
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(1)));
}

TEST_F(LocalChanges, AnEditThatWasNotSeenSurvivesADeletionThatHadSeenALaterMove) {
  a_.edit(file_, file_of(1));
  a_.move(file_, kRoot, "g");
  b_.pull(a_);
  b_.apply_place(file_);  // a move needs no bytes to be fetched
  b_.remove(file_);
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(1)));
  EXPECT_THAT(paths(c_.tree()), ElementsAre("g"));
}

TEST_F(LocalChanges, AMoveThatWasNotSeenSurvivesADeletion) {
  a_.move(file_, kRoot, "g");
  b_.remove(file_);
  meet();
  EXPECT_THAT(paths(c_.tree()), ElementsAre("g"));
}

// As what was moved is not any longer what was deleted, and nobody need have the bytes of that.
TEST_F(LocalChanges, AMoveOfWhatWasEditedAndThenDeletedKeepsNothing) {
  a_.edit(file_, file_of(1));
  a_.remove(file_);
  b_.move(file_, kRoot, "g");
  meet();
  EXPECT_THAT(contents(), IsEmpty());
}

TEST_F(LocalChanges, AMoveKeepsTheContentThatWasMovedOfSeveralThatWereDeleted) {
  a_.edit(file_, file_of(1));
  b_.edit(file_, file_of(2));
  c_.pull(a_);
  c_.apply();
  c_.move(file_, kRoot, "g");
  b_.pull(a_);
  b_.apply();
  for (const NodeId& id : b_.tree().ids()) {
    if (b_.tree().shown(id)) b_.remove(id);
  }
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(1)));
  EXPECT_THAT(paths(c_.tree()), ElementsAre("g"));
}

// Nobody has the bytes of an edit that was deleted before anybody else heard of it.
TEST_F(LocalChanges, AnEditThatWasDeletedIsNoConflictWithAnotherEdit) {
  a_.edit(file_, file_of(1));
  a_.remove(file_);
  b_.edit(file_, file_of(2));
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(2)));
  EXPECT_THAT(c_.tree().conflict_copies(), IsEmpty());
}

TEST_F(LocalChanges, ADeletionBeatsAChangeOfMode) {
  a_.set_mode(file_, 0600);
  b_.remove(file_);
  meet();
  EXPECT_THAT(contents(), IsEmpty());
}

TEST_F(LocalChanges, ADeletionTakesOneOfTwoContentsThatOneReplicaWrote) {
  const Dot first = a_.disk().at(file_).shown.content_dot;
  a_.edit(file_, file_of(1));
  // The disk still has the first content, as if another had put it back.
  Stamp stamp{replica_id(1), a_.knowledge().of(replica_id(1)) + 1, a_.tree().lamport() + 1};
  const Dot second{stamp.replica, stamp.counter};
  Tree tree = std::move(a_.tree());
  for (const Entry& entry : edited(tree, stamp, file_, first, file_of(2))) tree.join(entry);
  ASSERT_THAT(tree.conflict_copies(), SizeIs(1));
  const auto none = [](const NodeId&) { return false; };
  for (const Entry& entry : deleted(tree, stamp, file_, second, first, none)) tree.join(entry);
  EXPECT_EQ(tree.shown(file_)->content, file_of(1));
  EXPECT_THAT(tree.conflict_copies(), IsEmpty());
}

TEST_F(LocalChanges, ADeletedConflictCopyIsGone) {
  const NodeId copy = make_conflict();
  c_.remove(copy);
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(2)));
}

TEST_F(LocalChanges, AConflictCopyThatTwoWroteAlikeIsDeletedAtOnce) {
  a_.edit(file_, file_of(1));
  b_.edit(file_, file_of(1));
  c_.edit(file_, file_of(2));
  meet();
  ASSERT_THAT(a_.tree().conflict_copies(), SizeIs(1));
  a_.remove(a_.tree().conflict_copies().front());
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(2)));
}

TEST_F(LocalChanges, AnEditedConflictCopyIsAnEntryOfItsOwn) {
  const NodeId copy = make_conflict();
  c_.edit(copy, file_of(3));
  meet();
  EXPECT_THAT(contents(), testing::UnorderedElementsAre(file_of(2), file_of(3)));
  EXPECT_THAT(a_.tree().conflict_copies(), IsEmpty());
  EXPECT_THAT(a_.tree().members(copy), ElementsAre(copy));
}

TEST_F(LocalChanges, AConflictCopyThatTwoMoveAtOnceShowsOnce) {
  const NodeId copy = make_conflict();
  a_.move(copy, kRoot, "x");
  b_.move(copy, kRoot, "y");
  meet();
  EXPECT_THAT(contents(), SizeIs(2));
  EXPECT_THAT(a_.tree().conflict_copies(), IsEmpty());
}

TEST_F(LocalChanges, AConflictCopyThatOneEditsAndAnotherDeletesKeepsTheEdit) {
  const NodeId copy = make_conflict();
  a_.edit(copy, file_of(3));
  b_.remove(copy);
  meet();
  EXPECT_THAT(contents(), testing::UnorderedElementsAre(file_of(2), file_of(3)));
}

TEST_F(LocalChanges, TheWinnerDeletedLeavesTheConflictCopy) {
  make_conflict();
  c_.remove(file_);
  meet();
  EXPECT_THAT(contents(), ElementsAre(file_of(1)));
}

TEST_F(LocalChanges, UnifiedFilesAreEditedMovedAndDeletedAsOne) {
  a_.create(kRoot, "n", file_of(5));
  b_.create(kRoot, "n", file_of(5));
  meet();
  ASSERT_THAT(paths(a_.tree()), SizeIs(2));
  const NodeId unified = c_.tree().child(kRoot, "n")->id;
  EXPECT_THAT(c_.tree().members(unified), SizeIs(2));
  c_.move(unified, kRoot, "m");
  meet();
  EXPECT_THAT(paths(a_.tree()), ElementsAre("f", "m"));
  c_.edit(unified, file_of(6));
  meet();
  EXPECT_EQ(contents(), (std::vector<Content>{file_of(0), file_of(6)}));
  c_.remove(unified);
  meet();
  EXPECT_THAT(paths(a_.tree()), ElementsAre("f"));
}

TEST_F(LocalChanges, UnifiedFilesThatTwoEditAtOnceKeepBothEdits) {
  a_.create(kRoot, "n", file_of(5));
  b_.create(kRoot, "n", file_of(5));
  meet();
  const NodeId unified = a_.tree().child(kRoot, "n")->id;
  a_.edit(unified, file_of(6));
  b_.edit(unified, file_of(7));
  meet();
  EXPECT_THAT(contents(), testing::UnorderedElementsAre(file_of(0), file_of(6), file_of(7)));
}

}  // namespace
}  // namespace shoal::sync
