// Two trees that know the same and hold something else: what differs is found, and nothing else is fetched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "node/store/commit_sink.h"
#include "node/store/memory_index_store.h"
#include "node/sync/client_range_sync.h"
#include "node/sync/reader.h"
#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class IdlePool final : public WorkPool {
 public:
  void submit(std::unique_ptr<Work>) override {}
  unsigned width() const override { return 1; }
};

class RangeSyncTest : public testing::Test {
 protected:
  // The peer's entries, of which `ours` has all at first.
  void fill(std::size_t count) {
    const NodeId directory_id = replica_.create(kRoot, "d", directory());
    for (std::size_t i = 0; i < count; ++i) {
      ids_.push_back(replica_.create(directory_id, "f" + std::to_string(i), file_of(i)));
    }
    for (const NodeId& id : replica_.tree().ids()) ours().join(*replica_.tree().find(id));
    ASSERT_EQ(ours().fingerprint(), peer().fingerprint());
  }
  Tree& ours() { return context_.tree; }
  const Tree& peer() const { return replica_.tree(); }
  // Ours without these, which were lost.
  void lose(const std::vector<NodeId>& lost) {
    Tree rest;
    for (const NodeId& id : peer().ids()) {
      if (std::ranges::find(lost, id) == lost.end()) rest.join(*peer().find(id));
    }
    ours() = std::move(rest);
  }
  // As the peer serves it.
  wire::ResponseBody served(const wire::RequestBody& request) {
    if (const auto* divide = std::get_if<wire::SendRangeFingerprints>(&request)) {
      wire::RecvRangeFingerprints answer;
      const auto ranges = peer().divide(from_wire(divide->lo), from_wire(divide->hi), wire::kRangesMax);
      for (const RangeSummary& range : ranges) {
        answer.ranges.push_back({to_wire(range.hi), range.fingerprint, range.count});
      }
      return answer;
    }
    const auto& range = std::get<wire::SendRange>(request);
    const ChangesPage page = peer().entries_in(from_wire(range.lo), from_wire(range.hi), 48'000);
    return wire::RecvChanges{encode_entries(page.entries), encode_knowledge(replica_.knowledge()), page.more};
  }
  Result<std::vector<Entry>> answer(const wire::ResponseBody& body) {
    wire::Response response;
    response.body = body;
    Answer answer;
    answer.response = &response;
    return sync_.on_answer(answer, replica_.knowledge());
  }
  // Runs to its end; what was found is ours from then on.
  std::vector<NodeId> run() {
    std::vector<NodeId> found;
    EXPECT_TRUE(sync_.start());
    while (sync_.is_started()) {
      ++requests_;
      const auto entries = answer(served(sync_.next_request()));
      EXPECT_TRUE(entries) << entries.error().message;
      if (!entries) break;
      for (const Entry& entry : *entries) {
        EXPECT_TRUE(ours().join(entry)) << "it is told only what is new";
        found.push_back(entry.id);
      }
    }
    return found;
  }
  // What it says of the first answer when this is changed in it.
  std::string why_not(const std::function<void(wire::RecvRangeFingerprints&)>& change) {
    EXPECT_TRUE(sync_.start());
    auto body = std::get<wire::RecvRangeFingerprints>(served(sync_.next_request()));
    change(body);
    const auto taken = answer(body);
    EXPECT_EQ(taken.has_value(), sync_.is_started());
    return taken ? "" : taken.error().message;
  }

  FolderReplica replica_{1};
  std::vector<NodeId> ids_;
  CommitQueue commits_;
  MemoryIndexStore index_{commits_};
  IdlePool pool_;
  FolderContext context_{Id{}, "", nullptr, index_, pool_, nullptr};
  ClientRangeSync sync_{context_, Guid{1, 1}, Contact{}};
  std::size_t requests_ = 0;
};

TEST_F(RangeSyncTest, EqualTreesCostOneRequest) {
  fill(1000);
  EXPECT_THAT(run(), IsEmpty());
  EXPECT_EQ(requests_, 1u);
}

TEST_F(RangeSyncTest, OneOfFiveThousandIsFoundInFewRequests) {
  fill(5000);
  lose({ids_[1234]});
  EXPECT_EQ(run(), std::vector{ids_[1234]});
  EXPECT_EQ(requests_, 3u)
      << "fingerprints of 16 parts, of 16 parts of one, and the 20 entries of one of these";
  EXPECT_EQ(ours().fingerprint(), peer().fingerprint());
}

TEST_F(RangeSyncTest, ADamagedEntryIsFoundToo) {
  fill(300);
  Entry damaged = *ours().find(ids_[7]);
  Version<Content> version = damaged.content.winner();
  version.value.size = 0;
  damaged.content = Register<Content>::from_parts({version}, damaged.content.context());
  lose({ids_[7]});
  ours().join(damaged);
  EXPECT_EQ(run(), std::vector{ids_[7]});
  EXPECT_EQ(ours().find(ids_[7])->content, peer().find(ids_[7])->content) << "the greater value of one write";
}

TEST_F(RangeSyncTest, AWriteThatIsMissingOfTheSameWritesIsFoundToo) {
  fill(300);
  Entry damaged = *ours().find(ids_[7]);
  damaged.content = Register<Content>::from_parts({}, damaged.content.context());
  lose({ids_[7]});
  ours().join(damaged);
  EXPECT_EQ(run(), std::vector{ids_[7]});
  EXPECT_EQ(ours().fingerprint(), peer().fingerprint());
}

TEST_F(RangeSyncTest, AllThatIsLostIsFetchedInPages) {
  fill(3000);
  lose(peer().ids());
  EXPECT_THAT(run(), SizeIs(3001));
  EXPECT_EQ(ours().fingerprint(), peer().fingerprint());
  EXPECT_LT(requests_, 40u);
}

TEST_F(RangeSyncTest, RangesOutOfOrderAreRefused) {
  fill(1000);
  lose({ids_[3]});
  EXPECT_EQ(why_not([](auto&) {}), "");
  EXPECT_EQ(why_not([](auto& body) { std::swap(body.ranges[0], body.ranges[1]); }), "ranges out of order");
  EXPECT_EQ(why_not([](auto& body) { body.ranges.insert(body.ranges.begin(), body.ranges[0]); }),
            "ranges out of order");
  EXPECT_EQ(why_not([](auto& body) { body.ranges.pop_back(); }), "ranges that end too early");
  EXPECT_EQ(why_not([](auto& body) { body.ranges.clear(); }), "ranges that end too early");
}

TEST_F(RangeSyncTest, EntriesOutOfTheRangeAreRefused) {
  fill(40);
  lose({ids_[3]});
  ASSERT_TRUE(sync_.start());
  ASSERT_TRUE(answer(served(sync_.next_request())));
  const auto request = sync_.next_request();
  ASSERT_TRUE(std::holds_alternative<wire::SendRange>(request));
  auto body = std::get<wire::RecvChanges>(served(request));
  body.entries = encode_entries({*peer().find(ids_[39])});
  EXPECT_THAT(answer(body).error().message, HasSubstr("out of order"));
  EXPECT_FALSE(sync_.is_started());
}

TEST_F(RangeSyncTest, WhatThePeerHoldsWhenItKnowsSomethingElseIsNotTaken) {
  fill(40);
  lose({ids_[3]});
  ASSERT_TRUE(sync_.start());
  ASSERT_TRUE(answer(served(sync_.next_request())));
  auto body = std::get<wire::RecvChanges>(served(sync_.next_request()));
  Knowledge more = replica_.knowledge();
  more.add(Dot{replica_id(9), 1});
  body.knowledge = encode_knowledge(more);
  EXPECT_EQ(answer(body).error().code, ErrorCode::kBusy);
}

// Whatever it is asked, it says that there is more.
TEST_F(RangeSyncTest, APeerThatNeverComesToAnEndIsLeft) {
  fill(10);
  std::size_t requests = 0;
  ASSERT_TRUE(sync_.start());
  while (sync_.is_started()) {
    ASSERT_LE(++requests, ClientRangeSync::kRequestsMax);
    const auto divide = std::get<wire::SendRangeFingerprints>(sync_.next_request());
    Id never;
    never.bytes.fill(static_cast<std::uint8_t>(requests));
    NodeId middle = from_wire(divide.hi);
    middle.counter -= 1;
    wire::RecvRangeFingerprints body;
    body.ranges.push_back({to_wire(middle), never, 1'000'000});
    body.ranges.push_back({divide.hi, never, 0});
    (void)answer(body);
  }
  EXPECT_LE(requests, ClientRangeSync::kDepthMax + 1);
}

TEST_F(RangeSyncTest, OneSessionHasSoManyRequestsAndNoMore) {
  fill(10);
  for (std::size_t i = 0; i < ClientRangeSync::kRequestsMax; ++i) {
    ASSERT_TRUE(sync_.start());
    ASSERT_TRUE(answer(served(sync_.next_request())));
  }
  EXPECT_FALSE(sync_.start());
}

TEST_F(RangeSyncTest, ATreeIsDividedEvenly) {
  fill(1000);
  NodeId end;
  end.replica.bytes.fill(0xff);
  const auto ranges = peer().divide({}, end, 16);
  ASSERT_THAT(ranges, SizeIs(16));
  std::uint64_t count = 0;
  NodeId lo{};
  for (const RangeSummary& range : ranges) {
    EXPECT_LE(range.count, 63u);
    EXPECT_EQ(range.fingerprint, peer().range_fingerprint(lo, range.hi));
    count += range.count;
    lo = range.hi;
  }
  EXPECT_EQ(count, 1001u);
  EXPECT_EQ(ranges.back().hi, end);
  EXPECT_THAT(peer().divide(end, end, 16), SizeIs(1));
}

}  // namespace
}  // namespace shoal::sync
