// What the stack engine keeps: stacks, their resources, events and change sets.
//
// Keys: a stack's id (its ARN); "<stack id>/<logical id>"; "<stack id>/<event number>"; a change set's id (its ARN).
#pragma once

#include "cloudformation/shapes.h"
#include "store/table.h"

namespace brume::cloudformation {

// What a stack is to be.
struct Definition {
  std::string template_body;
  List<Parameter> parameters;  // with the value given, and ResolvedValue for SSM types
  List<Tag> tags;
  List<std::string> hidden;  // names of parameters with NoEcho
};

struct StackRecord {
  std::string id, name, status, status_reason, description;
  Definition now;
  std::optional<Definition> previous;  // during an update: what a rollback goes back to
  Timestamp created{};
  std::optional<Timestamp> updated, deleted;
  bool rollback_disabled = false;  // of the operation under way
  std::string on_failure;          // ROLLBACK, DELETE or DO_NOTHING
  std::optional<std::int32_t> timeout_minutes;
  std::optional<Timestamp> deadline;  // of a creation
  bool termination_protection = false;
  List<std::string> capabilities;
  std::string role_arn, client_token, change_set_id;
  List<Output> outputs;
  List<std::string> imports;   // names of exports it uses
  List<std::string> retain;    // of the deletion under way
  std::int32_t operation = 0;  // counts operations and rollbacks; resources note the last that dealt with them
  std::int32_t events = 0;     // how many there are
};

// One physical resource behind a logical id.
struct ResourceState {
  std::string type, physical_id, properties, attributes;  // the last two: JSON objects
  std::string deletion_policy, update_replace_policy;
  std::int32_t generation = 0;                 // how many times it was replaced
  List<std::string> depends_on;                // logical ids
  std::string creation_policy, update_policy;  // evaluated: JSON objects
};

struct Signal {
  std::string id, status;
};

// A rolling update of an Auto Scaling group (rolling_update.h), under way.
struct RollingUpdate {
  std::string policy;           // the UpdatePolicy it follows
  List<std::string> obsolete;   // instances that are to go, as it began
  List<std::string> renewed;    // that came in batches that are done
  List<std::string> batch;      // that go now
  List<std::string> arrived;    // successors that this batch has brought
  List<std::string> lost;       // of these, those that have gone again
  List<std::string> unhealthy;  // new instances that failed their health checks, of all batches
  List<std::string> suspended;  // processes that it has suspended
  std::int32_t batch_size = 0;
  std::int32_t expected = 0;  // successors that this batch brings
  std::int32_t extra = 0;     // capacity beyond the group's own that is still to be given back
  std::int32_t min_size = 0;  // the group's own
  std::int32_t replaced = 0, successes = 0, failures = 0;
  bool terminated = false, added = false, settled = false;  // how far the batch is
  Timestamp since{};                                        // of the last step
};

struct ResourceRecord {
  std::string stack_id, logical_id;
  ResourceState now;
  std::optional<ResourceState> previous;  // during an update that changed it: before
  std::optional<ResourceState> garbage;   // replaced; deleted when the operation cleans up
  std::string status, reason;
  std::string garbage_status;  // "", DELETE_IN_PROGRESS
  Timestamp since{};           // of `status`
  Timestamp garbage_since{};
  std::int32_t operation = 0;                     // the stack's, when it was last dealt with
  bool removed = false, garbage_removed = false;  // the service has accepted the deletion
  bool added = false;                             // by the update under way
  List<Signal> signals;
  std::optional<RollingUpdate> rolling;
};

struct EventRecord {
  StackEvent event;
};

struct ChangeSetRecord {
  std::string id, name, stack_id, description, type, status, reason, execution_status, on_stack_failure, client_token;
  Definition definition;
  List<std::string> capabilities;
  List<Change> changes;
  Timestamp created{};
};

struct Tables {
  Tables(store::Store& store, const std::string& region)
      : stacks(store, "cloudformation_stacks", region),
        resources(store, "cloudformation_resources", region),
        events(store, "cloudformation_events", region),
        change_sets(store, "cloudformation_change_sets", region) {}

  Result<void> load() {
    BRUME_CHECK(stacks.load());
    BRUME_CHECK(resources.load());
    BRUME_CHECK(events.load());
    return change_sets.load();
  }

  store::Table<StackRecord> stacks;
  store::Table<ResourceRecord> resources;
  store::Table<EventRecord> events;
  store::Table<ChangeSetRecord> change_sets;
};

}  // namespace brume::cloudformation

BRUME_RECORD(brume::cloudformation::Definition, template_body, parameters, tags, hidden)
BRUME_RECORD(brume::cloudformation::StackRecord, id, name, status, status_reason, description, now, previous, created,
             updated, deleted, rollback_disabled, on_failure, timeout_minutes, deadline, termination_protection,
             capabilities, role_arn, client_token, change_set_id, outputs, imports, retain, operation, events)
BRUME_RECORD(brume::cloudformation::ResourceState, type, physical_id, properties, attributes, deletion_policy,
             update_replace_policy, generation, depends_on, creation_policy, update_policy)
BRUME_RECORD(brume::cloudformation::Signal, id, status)
BRUME_RECORD(brume::cloudformation::RollingUpdate, policy, obsolete, renewed, batch, arrived, lost, unhealthy,
             suspended, batch_size, expected, extra, min_size, replaced, successes, failures, terminated, added,
             settled, since)
BRUME_RECORD(brume::cloudformation::ResourceRecord, stack_id, logical_id, now, previous, garbage, status, reason,
             garbage_status, since, garbage_since, operation, removed, garbage_removed, added, signals, rolling)
BRUME_RECORD(brume::cloudformation::EventRecord, event)
BRUME_RECORD(brume::cloudformation::ChangeSetRecord, id, name, stack_id, description, type, status, reason,
             execution_status, on_stack_failure, client_token, definition, capabilities, changes, created)
