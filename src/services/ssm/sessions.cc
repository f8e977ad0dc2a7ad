#include "services/ssm/sessions.h"

#include <algorithm>

#include <openssl/crypto.h>

namespace brume::ssm {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr std::size_t kMaxEnded = 100;

bool runs(const Session& session) {
  return session.Status != "Terminated";
}

// "root" or a role session's name: ids begin with who has started the session.
std::string name_of(const std::string& principal) {
  std::string name = principal.substr(principal.find_last_of(":/") + 1).substr(0, 64);
  std::erase_if(name, [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
             c == '.' || c == '@');
  });
  return name.empty() ? "session" : name;
}

bool same(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Result<Sessions::Started> Sessions::start(const std::string& instance_id, SessionPlan plan, const std::string& owner,
                                          const std::optional<std::string>& reason) {
  expire();
  std::size_t all = 0, same_instance = 0;
  for (const auto& [number, row] : rows_)
    if (runs(row.session)) {
      ++all;
      same_instance += row.session.Target == instance_id;
    }
  if (all >= kMaxSessions || same_instance >= kMaxInstanceSessions)
    return fail("ThrottlingException", "There can be at most {} sessions, {} of them to one instance.", kMaxSessions,
                kMaxInstanceSessions);
  Started started{name_of(owner) + "-" + random_.hex(17), random_.hex(64)};
  Row& row = rows_[++last_];
  row.session.SessionId = started.id;
  row.session.Target = instance_id;
  row.session.Status = "Connecting";
  row.session.StartDate = clock_.wall();
  row.session.DocumentName = plan.document;
  row.session.Owner = owner;
  row.session.Reason = reason;
  row.session.AccessType = "Standard";
  row.plan = std::move(plan);
  row.token = started.token;
  row.expires = clock_.now() + kPatience;
  return started;
}

Result<Sessions::Connected> Sessions::connect(const std::string& id, const std::string& token,
                                              std::function<void()> close) {
  expire();
  const auto found = std::ranges::find_if(rows_, [&](const auto& r) { return r.second.session.SessionId == id; });
  if (found == rows_.end() || found->second.token.empty() || !same(found->second.token, token))
    return std::unexpected(Error{"AccessDenied", "There is no such session, or its token is not this one.", 403});
  Row& row = found->second;
  row.token.clear();
  row.session.Status = "Connected";
  row.close = std::move(close);
  return Connected{*row.session.Target, *row.session.Owner, row.plan};
}

void Sessions::end(Row& row) {
  row.session.Status = "Terminated";
  row.session.EndDate = clock_.wall();
  row.token.clear();
  row.close = nullptr;
}

void Sessions::ended(const std::string& id) {
  for (auto& [number, row] : rows_)
    if (row.session.SessionId == id && runs(row.session)) end(row);
  expire();
}

bool Sessions::terminate(const std::string& id) {
  const auto found = std::ranges::find_if(rows_, [&](const auto& r) { return r.second.session.SessionId == id; });
  if (found == rows_.end()) return false;
  if (!runs(found->second.session)) return true;
  const auto close = std::move(found->second.close);
  end(found->second);
  if (close) close();
  return true;
}

std::vector<Session> Sessions::list() {
  expire();
  std::vector<Session> out;
  for (const auto& [number, row] : rows_) out.push_back(row.session);
  return out;
}

void Sessions::expire() {
  std::size_t over = 0;
  for (auto& [number, row] : rows_) {
    if (!row.token.empty() && row.expires <= clock_.now()) end(row);
    over += !runs(row.session);
  }
  for (auto row = rows_.begin(); over > kMaxEnded;) {
    const bool goes = !runs(row->second.session);
    over -= goes;
    row = goes ? rows_.erase(row) : std::next(row);
  }
}

}  // namespace brume::ssm
