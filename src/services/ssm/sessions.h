// Sessions of one region: who may connect to which data channel, and what runs.
//
// In memory, since a session ends with the daemon. A session waits a minute for its client, who shows the token once;
// from then on it is connected, until whoever carries it (daemon/data_channel.h) tells that it has ended. Bounded: so
// many that wait or run, an instance and all together, and the last hundred that have ended are remembered.
#pragma once

#include <functional>
#include <map>

#include "env/env.h"
#include "services/ssm/session_documents.h"

namespace brume::ssm {

class Sessions {
 public:
  Sessions(const env::Clock& clock, env::Random& random) : clock_(clock), random_(random) {}

  static constexpr std::size_t kMaxSessions = 128, kMaxInstanceSessions = 32;

  struct Started {
    std::string id, token;
  };
  // Error: ThrottlingException (too many).
  Result<Started> start(const std::string& instance_id, SessionPlan plan, const std::string& owner,
                        const std::optional<std::string>& reason);

  struct Connected {
    std::string instance_id, owner;
    SessionPlan plan;
  };
  // Good once. `close` is called, later, if the session is to end. Error: AccessDenied, whatever is wrong.
  Result<Connected> connect(const std::string& id, const std::string& token, std::function<void()> close);
  void ended(const std::string& id);
  // Ends it; one that has ended is left as it is. False: there is none.
  bool terminate(const std::string& id);
  // All that are known, oldest first.
  [[nodiscard]] std::vector<Session> list();

 private:
  struct Row {
    Session session;
    SessionPlan plan;
    std::string token;  // empty once it is used
    std::function<void()> close;
    env::MonotonicTime expires;
  };
  void expire();
  void end(Row& row);

  const env::Clock& clock_;
  env::Random& random_;
  std::map<std::uint64_t, Row> rows_;  // by the order in which they began
  std::uint64_t last_ = 0;
};

}  // namespace brume::ssm
