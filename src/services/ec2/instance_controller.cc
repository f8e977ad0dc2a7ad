#include "services/ec2/instance_controller.h"

#include <algorithm>

#include "base/log.h"
#include "net/spec_check.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/network_interface.h"
#include "services/ec2/other_regions.h"
#include "services/ec2/public_address.h"

namespace brume::ec2 {
namespace {

constexpr env::Duration kLongestRetry = std::chrono::seconds(30);

bool may_pass(const Error& error) {
  return error.code != "InvalidAMIID.NotFound" && error.code != "InsufficientInstanceCapacity";
}

StateReason reason(std::string code, std::string message) {
  StateReason result;
  result.Code = std::move(code);
  result.Message = std::move(message);
  return result;
}

// What AWS shows of a launch that failed (EC2 user guide, "instance terminates immediately").
StateReason launch_failure(const Error& error) {
  if (error.code == "InsufficientInstanceCapacity")
    return reason("Server.InsufficientInstanceCapacity", "Server.InsufficientInstanceCapacity: " + error.message);
  if (error.code == "InvalidAMIID.NotFound")
    return reason("Client.InvalidAMIID.NotFound", "Client.InvalidAMIID.NotFound: " + error.message);
  return reason("Server.InternalError", "Server.InternalError: " + error.message);
}

Result<void> mark_running(InstanceRecord& record) {
  record.reboot.clear();
  record.launched = true;
  record.instance.StateReason.reset();
  record.set_state(InstanceStateCode::running);
  return {};
}

}  // namespace

std::string gmt(Timestamp now) {
  std::string text = to_iso8601(std::chrono::floor<std::chrono::seconds>(now));  // 2026-11-24T10:15:30Z
  text[10] = ' ';
  text.resize(19);
  return text + " GMT";
}

std::string user_initiated(Timestamp now) {
  return fmt::format("User initiated ({})", gmt(now));
}

InstanceController::InstanceController(services::Context context, store::Table<InstanceRecord>& instances,
                                       NetworkState& network, InstanceNetwork& fabric, compute::Driver& driver,
                                       std::function<void()> on_gone, std::function<void()> on_no_room)
    : context_(std::move(context)),
      instances_(instances),
      network_(network),
      fabric_(fabric),
      driver_(driver),
      on_gone_(std::move(on_gone)),
      on_no_room_(std::move(on_no_room)) {}

Result<void> InstanceController::start() {
  driver_.on_exit([this](const std::string& id, int) { exited(id); });
  BRUME_TRY(others, ids_of_other_regions(context_, {kInstanceTable}));
  BRUME_TRY(found, driver_.list());
  for (const compute::Observed& observed : found) {
    if (others.contains(observed.id)) continue;
    machines_[observed.id].observed = {.exists = true, .running = observed.state == compute::State::running};
    wake(observed.id);
  }
  for (const auto& [id, record] : instances_.rows()) wake(id);
  return {};
}

void InstanceController::wake(const std::string& id) {
  if (!woken_.insert(id).second) return;
  context_.env.loop.post([this, id] {
    woken_.erase(id);
    look(id);
  });
}

void InstanceController::look(const std::string& id) {
  Machine& machine = machines_[id];
  if (machine.busy) return;
  const InstanceRecord* record = instances_.find(id);
  if (!record) {  // an orphan
    if (machine.observed.exists || machine.observed.running)
      destroy(id);
    else
      machines_.erase(id);
    return;
  }
  const Timestamp now = context_.env.clock.wall();
  switch (next_step(*record, machine.observed, now)) {
    case Step::none:
      if (record->terminated_at) look_later(id, *record->terminated_at + kTerminatedVisible - now);
      return;
    case Step::start:
      return begin_start(id);
    case Step::stop:
      return stop(id, *record);
    case Step::destroy:
      return destroy(id);
    case Step::remove_network:
      return remove_network(id);
    case Step::mark_running:
      return update(id, mark_running);
    case Step::mark_restarting:
      return update(id, [](InstanceRecord& row) -> Result<void> {
        row.reboot = "starting";
        return {};
      });
    case Step::mark_stopped:
      return update(id, [&](InstanceRecord& row) -> Result<void> {
        row.hard = false;
        row.set_state(InstanceStateCode::stopped);
        return {};
      });
    case Step::mark_ended:
      return update(id, [&](InstanceRecord& row) -> Result<void> {
        row.instance.StateReason =
            reason("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown");
        row.instance.StateTransitionReason = "";
        row.set_state(row.shutdown_behavior == "terminate" || row.is_spot() ? InstanceStateCode::shutting_down
                                                                            : InstanceStateCode::stopped);
        return {};
      });
    case Step::mark_terminated:
      update(id, [&](InstanceRecord& row) -> Result<void> {
        release_interfaces(network_, id);
        network_.tags.erase_all(row.volume_id);
        row.instance.BlockDeviceMappings = {};
        row.instance.IamInstanceProfile.reset();
        row.interfaces.clear();
        row.terminated_at = now;
        Instance& instance = row.instance;
        instance.PrivateIpAddress.reset();
        instance.PublicIpAddress.reset();
        instance.PrivateDnsName = "";
        instance.PublicDnsName = "";
        instance.SubnetId.reset();
        instance.VpcId.reset();
        row.set_state(InstanceStateCode::terminated);
        return {};
      });
      return on_gone_();
    case Step::forget: {
      const Result<void> done = context_.store.transact([&]() -> Result<void> {
        network_.tags.erase_all(id);
        instances_.erase(id);
        return {};
      });
      if (!done) return retry(id, done.error());
      context_.env.loop.cancel(machine.timer);
      machines_.erase(id);
      return;
    }
  }
}

void InstanceController::update(const std::string& id, const std::function<Result<void>(InstanceRecord&)>& change) {
  const Result<void> done = context_.store.transact([&]() -> Result<void> {
    InstanceRecord row = *instances_.find(id);
    BRUME_CHECK(change(row));
    // An automatic public address is an instance's only while it runs.
    if (row.state() == InstanceStateCode::stopped)
      for (const std::string& interface : row.interfaces) release_automatic(network_, interface);
    instances_.put(id, std::move(row));
    return {};
  });
  if (!done) return retry(id, done.error());
  context_.hints.publish(id);
  wake(id);
}

void InstanceController::begin_start(const std::string& id) {
  Machine& machine = machines_[id];
  if (machine.start_queued) return;
  if (const auto wait = machine.not_before - context_.env.clock.now(); wait > env::Duration::zero())
    return look_later(id, wait);
  machine.start_queued = true;
  start_queue_.push_back(id);
  start_next();
}

void InstanceController::start_next() {
  while (starts_ < kMaxStarts && !start_queue_.empty()) {
    const std::string id = std::move(start_queue_.front());
    start_queue_.pop_front();
    const auto machine = machines_.find(id);
    if (machine == machines_.end()) continue;
    machine->second.start_queued = false;
    const InstanceRecord* record = instances_.find(id);
    if (machine->second.busy || !record ||
        next_step(*record, machine->second.observed, context_.env.clock.wall()) != Step::start) {
      wake(id);  // it changed while it waited
      continue;
    }
    ++starts_;
    machine->second.busy = true;
    machine->second.ended_meanwhile = false;
    fabric_.ensure(id, [this, id](Result<void> ensured) {
      const InstanceRecord* row = instances_.find(id);
      if (!ensured || !row) return start_done(id, ensured);
      driver_.start(spec_of(id, *row), [this, id](const Result<void>& done) { start_done(id, done); });
    });
  }
}

void InstanceController::start_done(const std::string& id, const Result<void>& done) {
  --starts_;
  Machine& machine = machines_[id];
  machine.busy = false;
  if (done) {
    machine.failures = 0;
    machine.observed = {.exists = true, .running = !machine.ended_meanwhile};
    // If it has run and ended already, it must be seen to have run: else it would be started over and over.
    const InstanceRecord* record = instances_.find(id);
    if (machine.ended_meanwhile && record &&
        next_step(*record, {.exists = true, .running = true}, {}) == Step::mark_running) {
      update(id, mark_running);
    }
  } else {
    start_failed(id, done.error());
  }
  look(id);
  start_next();
}

void InstanceController::start_failed(const std::string& id, const Error& error) {
  Machine& machine = machines_[id];
  machine.observed.exists = true;  // perhaps a disk: destroying what is not there is harmless
  const InstanceRecord* record = instances_.find(id);
  if (!record || next_step(*record, {}, {}) != Step::start) return;  // it is no longer wanted
  ++machine.failures;
  log_warning("{} does not start (attempt {}): {}", id, machine.failures, error.message);
  if (may_pass(error) && machine.failures < kStartAttempts) {
    machine.not_before = context_.env.clock.now() + std::chrono::seconds(1 << (machine.failures - 1));
    return;
  }
  machine.failures = 0;
  if (error.code == "InsufficientInstanceCapacity" && !record->is_spot()) on_no_room_();
  update(id, [&](InstanceRecord& row) -> Result<void> {
    row.reboot.clear();
    row.hard = true;
    row.instance.StateReason = launch_failure(error);
    row.instance.StateTransitionReason = row.instance.StateReason->Code;
    row.set_state(row.launched && !row.is_spot() ? InstanceStateCode::stopped : InstanceStateCode::shutting_down);
    return {};
  });
}

void InstanceController::stop(const std::string& id, const InstanceRecord& record) {
  Machine& machine = machines_[id];
  machine.busy = true;
  driver_.stop(id, record.hard ? env::Duration::zero() : kGrace, [this, id](const Result<void>& done) {
    Machine& stopped = machines_[id];
    stopped.busy = false;
    if (!done) return retry(id, done.error());
    stopped.failures = 0;
    stopped.observed.running = false;
    look(id);
  });
}

void InstanceController::destroy(const std::string& id) {
  machines_[id].busy = true;
  driver_.destroy(id, [this, id](const Result<void>& done) {
    Machine& destroyed = machines_[id];
    destroyed.busy = false;
    if (!done) return retry(id, done.error());
    destroyed.failures = 0;
    destroyed.observed.exists = destroyed.observed.running = false;
    look(id);
  });
}

void InstanceController::remove_network(const std::string& id) {
  machines_[id].busy = true;
  fabric_.remove(id, [this, id](const Result<void>& done) {
    Machine& machine = machines_[id];
    machine.busy = false;
    if (!done) return retry(id, done.error());
    machine.failures = 0;
    machine.observed.network = false;
    look(id);
  });
}

void InstanceController::exited(const std::string& id) {
  Machine& machine = machines_[id];
  machine.ended_meanwhile = true;
  machine.observed.running = false;
  wake(id);
}

void InstanceController::retry(const std::string& id, const Error& error) {
  log_error("{}: will be tried again: {}", id, error.message);
  Machine& machine = machines_[id];
  const int doublings = std::min(machine.failures++, 5);
  look_later(id, std::min<env::Duration>(std::chrono::seconds(1 << doublings), kLongestRetry));
}

void InstanceController::look_later(const std::string& id, env::Duration delay) {
  Machine& machine = machines_[id];
  context_.env.loop.cancel(machine.timer);
  machine.timer = context_.env.loop.after(delay, [this, id] { look(id); });
}

compute::InstanceSpec InstanceController::spec_of(const std::string& id, const InstanceRecord& record) const {
  const Instance& instance = record.instance;
  compute::InstanceSpec spec;
  spec.id = id;
  spec.private_address = record.instance.PrivateIpAddress.value_or("");
  spec.image_id = *instance.ImageId;
  spec.hostname = "ip-" + instance.PrivateIpAddress.value_or("");
  std::ranges::replace(spec.hostname, '.', '-');
  if (const VpcRecord* vpc = network_.vpcs.find(instance.VpcId.value_or("")))
    if (const auto resolver = net::resolver_address(vpc->vpc.CidrBlock.value_or("")))
      spec.nameserver = net::to_string(*resolver);
  spec.network_namespace = fabric_.network_namespace(id);
  spec.zone = instance.Placement->AvailabilityZone.value_or("");
  // RunInstances and ModifyInstanceAttribute take only types that are offered.
  if (const InstanceType* type = find_instance_type(*instance.InstanceType)) {
    spec.vcpus = type->vcpus;
    spec.memory_bytes = type->memory_mib << 20;
  }
  return spec;
}

}  // namespace brume::ec2
