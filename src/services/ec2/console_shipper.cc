#include "services/ec2/console_shipper.h"

#include <algorithm>

#include "base/log.h"

namespace brume::ec2 {
namespace {

constexpr auto kInterval = std::chrono::seconds(5);
constexpr std::int64_t kMuch = 128 << 10;  // bytes of a piece behind which more is likely

std::string token_of(const compute::ConsoleRange& range) {
  return fmt::format("console:{}:{}:{}", range.file, range.begin, range.end);
}

}  // namespace

ConsoleShipper::ConsoleShipper(services::Context context, Api& ec2, compute::ConsoleSource& consoles,
                               services::LogSink& sink, std::int64_t round_bytes)
    : context_(std::move(context)),
      ec2_(ec2),
      consoles_(consoles),
      sink_(sink),
      round_bytes_(round_bytes),
      records_(context_.store, "ec2.consoles", context_.region) {}

std::map<std::string, std::pair<bool, bool>> ConsoleShipper::instances() {
  std::map<std::string, std::pair<bool, bool>> found;
  DescribeInstanceStatusRequest request;
  request.IncludeAllInstances = true;
  do {
    const auto described = ec2_.DescribeInstanceStatus(context_.call("ec2"), request);
    if (!described) break;  // the next look asks again
    for (const InstanceStatus& status : described->InstanceStatuses) {
      const std::string& state = *status.InstanceState->Name;
      found[*status.InstanceId] = {state == "stopped" || state == "terminated", state == "terminated"};
    }
    request.NextToken = described->NextToken;
  } while (request.NextToken);
  return found;
}

bool ConsoleShipper::knows(const std::string& id) {
  return records_.contains(id) || instances().contains(id);
}

ConsoleShipper::Jobs ConsoleShipper::jobs() {
  auto all = instances();
  for (const auto& [id, record] : records_.rows()) all.try_emplace(id, true, true);  // EC2 has forgotten it
  std::erase_if(through_, [&](const std::string& id) {
    const auto found = all.find(id);
    return found == all.end() || !found->second.first;
  });
  Jobs jobs;
  for (const auto& [id, state] : all) {
    if (through_.contains(id)) continue;
    const auto [ended, gone] = state;
    Job& job = jobs.emplace_back(Job{.id = id, .ended = ended, .gone = gone});
    if (const ConsoleRecord* record = records_.find(id)) {
      job.piece.range = {record->file, record->begin, record->end};
      job.again = !appended_.contains(id);
    }
  }
  std::ranges::rotate(jobs, std::ranges::upper_bound(jobs, begin_after_, {}, &Job::id));
  return jobs;
}

void ConsoleShipper::look_in(env::Duration time) {
  context_.env.loop.after(time, [this] { look(); });
}

void ConsoleShipper::take(Job& job, compute::ConsolePiece piece) {
  job.piece = std::move(piece);
  job.found = true;
}

void ConsoleShipper::look() {
  const auto work = std::make_shared<Jobs>(jobs());
  if (work->empty()) return look_in(kInterval);
  context_.env.loop.run_blocking(
      [this, work] {
        std::int64_t bytes = 0;
        for (Job& job : *work) {
          job.skipped = bytes >= round_bytes_;
          if (job.skipped) continue;
          if (job.again) {
            auto piece = consoles_.again(job.id, job.piece.range);
            if (piece)
              take(job, *std::move(piece));
            else
              job.result = std::unexpected(piece.error());
          } else {
            auto piece = consoles_.next(job.id, job.piece.range, job.ended);
            if (!piece)
              job.result = std::unexpected(piece.error());
            else if (*piece)
              take(job, **std::move(piece));
          }
          if (job.found) bytes += job.piece.range.end - job.piece.range.begin;
        }
      },
      [this, work] { note(work); });
}

void ConsoleShipper::note(const std::shared_ptr<Jobs>& work) {
  const bool any = std::ranges::any_of(*work, &Job::found);
  if (any) {
    if (auto made = sink_.ensure_group(kConsoleGroup, services::kOwnRetentionDays); !made) return failed(made);
    const auto noted = context_.store.transact([&]() -> Result<void> {
      for (const Job& job : *work)
        if (job.found && !job.again)
          records_.put(job.id, {job.piece.range.file, job.piece.range.begin, job.piece.range.end});
      return {};
    });
    if (!noted) return failed(noted);
    for (const Job& job : *work)
      if (job.found) appended_.erase(job.id);
  }
  context_.env.loop.run_blocking(
      [this, work] {
        for (Job& job : *work) {
          if (!job.result || job.skipped) continue;
          if (job.found && !job.piece.lines.empty()) {
            std::vector<services::LogEvent> events;
            for (compute::ConsoleLine& line : job.piece.lines) events.push_back({line.time, std::move(line.text)});
            job.result = sink_.append(kConsoleGroup, job.id, events, token_of(job.piece.range));
          }
          if (!job.found && job.gone) job.result = consoles_.forget(job.id);
        }
      },
      [this, work] { finish(*work); });
}

void ConsoleShipper::finish(const Jobs& work) {
  Result<void> result;
  bool more = false;
  std::vector<std::string> forgotten;
  begin_after_.clear();
  for (const Job& job : work) {
    if (job.skipped) {
      begin_after_ = begin_after_.empty() ? (&job - 1)->id : begin_after_;
      more = true;
      continue;
    }
    if (!job.result) {
      result = job.result;
      continue;
    }
    if (job.found) {
      appended_.insert(job.id);
      // It may have printed more than one piece; else it is looked at again in its time.
      more = more || job.again || job.ended || job.piece.range.end - job.piece.range.begin > kMuch;
      continue;
    }
    if (job.ended) through_.insert(job.id);
    if (job.gone && records_.contains(job.id)) forgotten.push_back(job.id);
  }
  if (!forgotten.empty()) {
    const auto noted = context_.store.transact([&]() -> Result<void> {
      for (const std::string& id : forgotten) records_.erase(id);
      return {};
    });
    if (!noted) return failed(noted);
    for (const std::string& id : forgotten) appended_.erase(id);
  }
  if (!result) return failed(result);
  failures_ = 0;
  look_in(more ? env::Duration::zero() : env::Duration(kInterval));
}

void ConsoleShipper::failed(const Result<void>& result) {
  if (++failures_ == 4) log_warning("consoles do not reach {}: {}", kConsoleGroup, result.error().message);
  look_in(std::chrono::seconds(std::min(30, 1 << std::min(failures_ - 1, 5))));
}

}  // namespace brume::ec2
