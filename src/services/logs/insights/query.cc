#include "services/logs/insights/query.h"

#include <algorithm>
#include <utility>

#include "services/logs/insights/needles.h"
#include "services/logs/insights/parser.h"

namespace brume::logs::insights {
namespace {

std::variant<Groups, TopRows> place_for(const Plan& plan, std::size_t limit, const Bounds& bounds) {
  const Stage& stage = plan.stages.front();
  if (stage.aggregates_rows) return Groups(stage, bounds);
  return TopRows(plan, limit, bounds);
}

}  // namespace

Result<Query> Query::parse(std::string_view text, Timestamp now) {
  BRUME_TRY(plan, parse_query(text, now));
  return Query(std::make_shared<const Plan>(std::move(plan)));
}

std::string_view Query::needle() const {
  for (const Needle& needle : plan_->needles)
    if (!needle.unless_escaped) return needle.text;
  return {};
}

bool Query::newest_first_and_bounded() const {
  return (plan_->newest_first && plan_->dedup.empty()) || plan_->limit_any;
}

std::size_t Query::limit() const {
  return plan_->limit;
}

Run::Run(const Query& query, std::size_t limit, Bounds bounds)
    : plan_(query.plan_),
      limit_(limit == 0 ? plan_->limit : std::min(limit, plan_->limit)),
      bounds_(bounds),
      frame_(std::make_unique<Frame>(plan_->stages.front())),
      kept_(place_for(*plan_, limit_, bounds)) {}
Run::~Run() = default;
Run::Run(Run&&) noexcept = default;

bool Run::add(const Record& record) {
  if (error_) return false;
  ++statistics_.scanned;
  statistics_.bytes += record.message.size();
  for (const Needle& needle : plan_->needles)
    if (!has(record.message, needle)) return true;
  frame_->begin(record);
  if (!frame_->passes()) return true;
  ++statistics_.matched;
  if (auto* groups = std::get_if<Groups>(&kept_)) {
    if (auto added = groups->add(*frame_); !added) error_ = std::move(added).error();
    return !error_;
  }
  auto& rows = std::get<TopRows>(kept_);
  const auto outcome = rows.add(*frame_);
  if (!outcome) {
    error_ = outcome.error();
    return false;
  }
  if (plan_->limit_any) return !rows.full();
  const bool done = *outcome == TopRows::Outcome::kept_last || *outcome == TopRows::Outcome::beyond;
  return !(done && plan_->newest_first && plan_->dedup.empty());
}

void Run::merge(Run&& other) {
  statistics_.scanned += other.statistics_.scanned;
  statistics_.matched += other.statistics_.matched;
  statistics_.bytes += other.statistics_.bytes;
  if (!error_) error_ = other.error_;
  if (error_) return;
  Result<void> merged;
  if (auto* groups = std::get_if<Groups>(&kept_))
    merged = groups->merge(std::get<Groups>(std::move(other.kept_)));
  else
    merged = std::get<TopRows>(kept_).merge(std::get<TopRows>(std::move(other.kept_)));
  if (!merged) error_ = std::move(merged).error();
}

Result<std::vector<Row>> Run::rows() const {
  if (error_) return std::unexpected(*error_);
  if (const auto* groups = std::get_if<Groups>(&kept_)) return rows_after(groups->rows());
  return std::get<TopRows>(kept_).rows();
}

Result<std::vector<Row>> Run::rows_after(std::vector<std::vector<OwnedValue>> rows) const {
  for (std::size_t index = 1;; ++index) {
    const Stage& stage = plan_->stages[index];
    Frame frame(stage);
    std::variant<Groups, TopRows> kept{std::in_place_type<Groups>, stage, bounds_};
    if (!stage.aggregates_rows) kept.emplace<TopRows>(*plan_, limit_, bounds_);
    for (const std::vector<OwnedValue>& row : rows) {
      frame.begin(row);
      if (!frame.passes()) continue;
      if (auto* groups = std::get_if<Groups>(&kept)) {
        BRUME_CHECK(groups->add(frame));
      } else {
        BRUME_CHECK(std::get<TopRows>(kept).add(frame));
      }
    }
    if (const auto* top = std::get_if<TopRows>(&kept)) return top->rows();
    rows = std::get<Groups>(kept).rows();
  }
}

}  // namespace brume::logs::insights
