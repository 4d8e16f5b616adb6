// What a result keeps of a trace, and how a replay finds the first event where two runs part.
#include "sim/trace_record.h"

#include <gtest/gtest.h>

#include <vector>

#include "sim/trace_comparison.h"
#include "sim/trace_log.h"

namespace shoal::sim {
namespace {

// A trace of `jobs` jobs, 1 ms apart; from job `other_from` on its hash is another one's.
std::vector<TraceEvent> trace_of(std::uint64_t jobs, std::uint64_t other_from = UINT64_MAX) {
  std::vector<TraceEvent> events;
  for (std::uint64_t job = 1; job <= jobs; ++job) {
    TraceEvent event;
    event.job = job;
    event.when = Instant{} + job * 1ms;
    event.host = static_cast<HostIndex>(job * 7 % 1000);
    event.kind = static_cast<JobKind>(job % kJobKinds);
    event.guid = {static_cast<std::uint32_t>(job % 300), static_cast<std::uint32_t>(job)};
    event.bytes = static_cast<std::uint32_t>(job * 13 % 1300);
    event.hash = job * 0x9e3779b97f4a7c15u + (job >= other_from ? 1 : 0);
    events.push_back(event);
  }
  return events;
}

TraceRecord record_of(const std::vector<TraceEvent>& events,
                      std::optional<TraceWindow> window = std::nullopt) {
  TraceLog log(window);
  for (const TraceEvent& event : events) log.on_event(event);
  log.finish();
  return log.record();
}

std::optional<TraceComparison::Parting> compare(const TraceRecord& stored,
                                                const std::vector<TraceEvent>& events) {
  TraceComparison comparison(stored);
  for (const TraceEvent& event : events) comparison.on_event(event);
  comparison.finish();
  return comparison.parting();
}

TraceRecord without_events(TraceRecord record) {
  record.chunks.clear();
  return record;
}

TEST(TraceChunk, UnpacksWhatWasAppended) {
  TraceChunk chunk;
  auto events = trace_of(TraceChunk::kJobsMax);
  events[7].when -= 24h;  // its host's clock is behind
  for (const TraceEvent& event : events) chunk.append(event);
  const auto unpacked = chunk.unpack();
  ASSERT_TRUE(unpacked.has_value());
  ASSERT_EQ(unpacked->size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const TraceEvent &a = events[i], &b = unpacked->at(i);
    EXPECT_EQ(a.job, b.job);
    EXPECT_EQ(a.when, b.when);
    EXPECT_EQ(a.host, b.host);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.guid, b.guid);
    EXPECT_EQ(a.bytes, b.bytes);
    EXPECT_EQ(static_cast<std::uint32_t>(a.hash), b.hash);
  }
}

TEST(TraceChunk, RefusesBytesThatAreCutOrTooMany) {
  TraceChunk chunk;
  for (const TraceEvent& event : trace_of(10)) chunk.append(event);
  TraceChunk longer = chunk, shorter = chunk, endless = chunk;
  longer.events.push_back(0);
  shorter.events.pop_back();
  endless.events.assign(endless.events.size(), 0xff);
  EXPECT_FALSE(longer.unpack());
  EXPECT_FALSE(shorter.unpack());
  EXPECT_FALSE(endless.unpack());
  EXPECT_TRUE(chunk.unpack());
}

TEST(TraceLog, KeepsTheLastJobAndFewCheckpointsOfALongRun) {
  TraceLog log;
  TraceEvent event;
  constexpr std::uint64_t kJobs = 5'000'001;
  for (event.job = 1; event.job <= kJobs; ++event.job) log.on_event(event);
  log.finish();
  const auto& checkpoints = log.record().checkpoints;
  EXPECT_LE(checkpoints.size(), TraceLog::kCheckpointsMax);
  EXPECT_GE(checkpoints.size(), TraceLog::kCheckpointsMax / 2);
  EXPECT_EQ(checkpoints.back().job, kJobs);
  std::size_t bytes = 0;
  std::uint64_t next = 1;
  for (const TraceChunk& chunk : log.record().chunks) {
    bytes += chunk.events.size();
    EXPECT_EQ(chunk.first_job, next);
    next += chunk.jobs;
  }
  EXPECT_GE(bytes, TraceLog::kEventBytesMax);
  EXPECT_LT(bytes, TraceLog::kEventBytesMax + 64 * 1024);
  EXPECT_LT(next, kJobs);
}

TEST(TraceComparison, FindsNothingInEqualRuns) {
  const auto events = trace_of(10'000);
  EXPECT_FALSE(compare(record_of(events), events));
  EXPECT_FALSE(compare(without_events(record_of(events)), events));
  EXPECT_FALSE(compare(record_of({}), {}));
}

TEST(TraceComparison, NamesTheFirstEventWhereTheEventsAreKept) {
  for (const std::uint64_t job : {1u, 4096u, 4097u, 5000u, 10'000u}) {
    const auto parting = compare(record_of(trace_of(10'000)), trace_of(10'000, job));
    ASSERT_TRUE(parting && parting->is_known()) << job;
    EXPECT_EQ(parting->first_job, job);
    ASSERT_TRUE(parting->stored && parting->now);
    EXPECT_EQ(parting->stored->when, parting->now->when);
    EXPECT_NE(parting->stored->hash, parting->now->hash);
    EXPECT_EQ(parting->common.size(), std::min<std::size_t>(job - 1, TraceComparison::kCommonShown));
  }
}

TEST(TraceComparison, SeesEveryPartOfAnEvent) {
  const TraceRecord stored = record_of(trace_of(100));
  const auto changed = [&](auto&& change) {
    auto events = trace_of(100);
    change(events[41]);
    const auto parting = compare(stored, events);
    return parting && parting->first_job == 42 && parting->is_known();
  };
  EXPECT_TRUE(changed([](TraceEvent& event) { event.when += 1ns; }));
  EXPECT_TRUE(changed([](TraceEvent& event) { ++event.host; }));
  EXPECT_TRUE(changed([](TraceEvent& event) { event.kind = JobKind::kStore; }));
  EXPECT_TRUE(changed([](TraceEvent& event) { ++event.guid.slot; }));
  EXPECT_TRUE(changed([](TraceEvent& event) { ++event.bytes; }));
  EXPECT_TRUE(changed([](TraceEvent& event) { ++event.hash; }));
}

TEST(TraceComparison, NamesTheIntervalWhereNoEventsAreKept) {
  const auto parting = compare(without_events(record_of(trace_of(10'000))), trace_of(10'000, 5000));
  ASSERT_TRUE(parting && !parting->is_known());
  EXPECT_EQ(parting->first_job, 4993u);  // 4992 is a multiple of 64
  EXPECT_EQ(parting->last_job, 5056u);
  EXPECT_EQ(parting->between.size(), 64u);
  EXPECT_EQ(parting->common.back().job, 4992u);
}

TEST(TraceComparison, NamesTheEventInAWindowThatWasAskedFor) {
  const TraceWindow window{Instant{} + 4s, Instant{} + 6s};
  const TraceRecord stored = record_of(trace_of(10'000), window);
  EXPECT_EQ(stored.chunks.front().first_job, 4000u);
  EXPECT_EQ(stored.chunks.back().first_job + stored.chunks.back().jobs, 6000u);
  const auto inside = compare(stored, trace_of(10'000, 5000));
  ASSERT_TRUE(inside && inside->is_known());
  EXPECT_EQ(inside->first_job, 5000u);
  // Between the last checkpoint and the window: what the window's first event shows has happened before it.
  const auto before = compare(stored, trace_of(10'000, 3990));
  ASSERT_TRUE(before && !before->is_known());
  EXPECT_EQ(before->first_job, 3969u);
  EXPECT_EQ(before->last_job, 4000u);
}

TEST(TraceComparison, SeesWhichRunEndsFirst) {
  const auto longer = compare(record_of(trace_of(100)), trace_of(130));
  ASSERT_TRUE(longer && longer->is_known());
  EXPECT_EQ(longer->first_job, 101u);
  EXPECT_TRUE(longer->now && !longer->stored);
  const auto shorter = compare(record_of(trace_of(100)), trace_of(70));
  ASSERT_TRUE(shorter && shorter->is_known());
  EXPECT_EQ(shorter->first_job, 71u);
  EXPECT_TRUE(shorter->stored && !shorter->now);
}

}  // namespace
}  // namespace shoal::sim
