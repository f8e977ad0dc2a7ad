// The stack engine: brings every stack step by step from what it is to what it is to be.
//
// Level-triggered. A pass over a stack looks at its status and its resources' records and does all that can be done
// now, each thing in a transaction of its own: the calls that make, change or end a physical resource are committed
// together with the record of it. So a crash between any two commits loses nothing and makes nothing twice; the next
// pass goes on from the records. Nothing else is remembered (plans are a cache). After a pass that changed something
// the next follows at once; otherwise after 100 ms, doubling to 1 s, or at a hint.
//
// Leaves to service.h: deciding what a stack is to be. Leaves to resources/: what a resource type means.
#pragma once

#include <map>
#include <memory>

#include "services/cloudformation/policies.h"
#include "services/cloudformation/records.h"
#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/type.h"
#include "services/cloudformation/template/graph.h"
#include "services/cloudformation/template/parameters.h"
#include "services/common/context.h"

namespace brume::cloudformation {

// A definition ready to deploy.
struct Plan {
  templates::Template source;
  templates::Scope scope;
  templates::Needs needs;  // of the resources that are to be
  std::vector<std::string> order;
};

class Engine {
 public:
  Engine(services::Context& context, Apis& apis, Tables& tables) : context_(context), apis_(apis), tables_(tables) {}

  // Looks at every stack that is under way; called once, after the tables are loaded.
  void start();
  // Looks at a stack soon.
  void wake(const std::string& stack_id);

  // Sets a stack's status with its event. Within a transaction.
  void set_status(const std::string& stack_id, std::string status, std::string reason = {});
  // Within a transaction: an event of a resource.
  void add_event(const std::string& stack_id, const ResourceRecord& resource, std::string status, std::string reason,
                 const std::string& physical_id);

  // Plans against the stack's present resources (`stack.now` unless another definition is given).
  Result<std::unique_ptr<Plan>> make_plan(const StackRecord& stack, const Definition& definition);
  // A resource's properties as they are to be: evaluated, with the stack's tags.
  Result<templates::Value> wanted_properties(const Plan& plan, const templates::Resource& resource,
                                             const Definition& definition);

  [[nodiscard]] std::vector<std::string> logical_ids(const std::string& stack_id) const;
  static std::string key(const std::string& stack_id, const std::string& logical_id) {
    return stack_id + "/" + logical_id;
  }

 private:
  struct Pass {
    bool changed = false;             // something was committed
    bool waiting = false;             // something is under way elsewhere
    std::vector<std::string> failed;  // logical ids
    std::string reason;               // of a failure that is no resource's
  };
  using Record = ResourceRecord;

  void schedule(const std::string& stack_id, env::Duration delay);
  void step(const std::string& stack_id);
  Result<Pass> advance(const StackRecord& stack);

  // deploy.cc: creating and updating.
  Result<Pass> deploy(const StackRecord& stack);
  Pass start_resource(const StackRecord& stack, const Plan& plan, const templates::Resource& resource);
  Pass create_resource(const StackRecord& stack, const templates::Resource& resource, ResourceState wanted,
                       bool replaces);
  Pass update_resource(const StackRecord& stack, const std::string& logical_id, ResourceState wanted,
                       const std::string& reason);
  Pass poll_resource(const StackRecord& stack, const Plan* plan, const std::string& logical_id);
  Pass fail_resource(const StackRecord& stack, const std::string& logical_id, const std::string& in_progress,
                     const std::string& status, const std::string& reason);
  bool fail_deployment(const StackRecord& stack, const Pass& pass);
  Result<void> finish_deployment(const StackRecord& stack, const Plan& plan);

  // group_roll.cc: updates of Auto Scaling groups' instances. begin_roll and end_roll within a transaction.
  Result<void> begin_roll(const StackRecord& stack, Record& record, const RollingPolicy& policy, bool all);
  Pass roll_resource(const StackRecord& stack, const std::string& logical_id);
  Pass fail_roll(const StackRecord& stack, const Record& record, const std::string& reason);
  Result<void> end_roll(Record& record, bool success);
  Result<bool> replacement_serves(const Record& record);

  // rollback.cc: undoing an update.
  Result<Pass> roll_back_update(const StackRecord& stack);

  // removal.cc: deleting and cleaning up.
  struct Item {
    std::string logical_id;
    bool garbage = false;
    bool keep = false;  // skipped, by its policy
  };
  Result<Pass> remove_stack(const StackRecord& stack, bool rollback);
  Result<Pass> clean_up(const StackRecord& stack, bool rollback);
  Pass remove_items(const StackRecord& stack, const std::vector<Item>& items, bool give_up);
  Pass remove_item(const StackRecord& stack, const Item& item, bool give_up);
  void forget_item(const StackRecord& stack, const Item& item, const std::string& status, const std::string& reason);

  // plan.cc
  const Plan* plan_of(const StackRecord& stack);
  Result<templates::Value> find_export(const std::string& name) const;
  resources::Work work_for(const StackRecord& stack, const std::string& logical_id, const ResourceState& state);

  template <typename F>
  Result<void> transact(F&& function) {
    return context_.store.transact(std::forward<F>(function));
  }
  [[nodiscard]] Timestamp now() const { return context_.env.clock.wall(); }

  services::Context& context_;
  Apis& apis_;
  Tables& tables_;
  struct Timer {
    env::Loop::TimerId id = 0;
    env::Duration delay{};
  };
  std::map<std::string, Timer> timers_;
  std::map<std::string, std::pair<std::int32_t, std::unique_ptr<Plan>>> plans_;  // by stack id, with its operation
};

// A recorded state as a provider sees it, and back.
resources::Instance instance_of(const ResourceState& state);
void record_instance(ResourceState& state, const resources::Instance& instance);
templates::Value parse_object(const std::string& json);  // recorded before; "": an empty one
std::string joined(const std::vector<std::string>& items);

}  // namespace brume::cloudformation
