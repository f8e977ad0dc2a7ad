// A machine with the service and the fake cloud, which can lose its power at any commit.
#pragma once

#include "services/cloudformation/fake_cloud_test.h"
#include "services/cloudformation/service.h"
#include "store/memory_backend.h"

namespace brume::cloudformation {

// A disk that stops taking commits after a number of them.
class Disk : public store::MemoryBackend {
 public:
  Result<void> commit(const std::vector<store::Change>& changes) override {
    if (left == 0) return fail("InsufficientStorage", "stopped");
    --left;
    return MemoryBackend::commit(changes);
  }
  std::uint64_t left = ~0ULL;
};

class World {
 public:
  World() { boot(); }
  // As after `kill -9`: what was not committed is gone.
  void boot() {
    env.loop.clear();
    service.reset();
    cloud.reset();
    hints.reset();
    store = std::make_unique<store::Store>(disk);
    hints = std::make_unique<services::Hints>(env.loop);
    cloud = std::make_unique<FakeCloud>(*store, env);
    EXPECT_TRUE(cloud->things.load());
    service = std::make_unique<Service>(services::Context{env.env, *store, *hints, "ap-southeast-1"}, cloud->apis());
    auto loaded = service->load();
    EXPECT_TRUE(loaded) << loaded.error().message;
    service->start();
  }
  template <typename F>
  auto call(F&& f) {
    return store->transact([&] { return f(*service); });
  }
  Result<CreateStackOutput> create(const std::string& body, const std::string& name, auto&& more) {
    CreateStackInput request;
    request.StackName = name;
    request.TemplateBody = body;
    request.Capabilities = {"CAPABILITY_IAM"};
    more(request);
    return call([&](Service& s) { return s.CreateStack({}, request); });
  }
  Result<CreateStackOutput> create(const std::string& body, const std::string& name = "web") {
    return create(body, name, [](auto&) {});
  }
  Result<UpdateStackOutput> update(const std::string& body, std::map<std::string, std::string> parameters = {},
                                   bool keep = false) {
    UpdateStackInput request;
    request.StackName = "web";
    request.TemplateBody = body;
    request.Capabilities = {"CAPABILITY_IAM"};
    request.DisableRollback = keep;
    for (const auto& [key, value] : parameters) {
      auto& parameter = request.Parameters.emplace_back();
      parameter.ParameterKey = key;
      parameter.ParameterValue = value;
    }
    return call([&](Service& s) { return s.UpdateStack({}, request); });
  }
  Result<void> remove(const std::string& name = "web") {
    DeleteStackInput request;
    request.StackName = name;
    return call([&](Service& s) { return s.DeleteStack({}, request); });
  }
  Stack describe(const std::string& name) {
    DescribeStacksInput request;
    request.StackName = name;
    auto out = call([&](Service& s) { return s.DescribeStacks({}, request); });
    EXPECT_TRUE(out) << out.error().message;
    return out ? out->Stacks[0] : Stack{};
  }
  std::string status(const std::string& name = "web") { return describe(name).StackStatus.value_or(""); }
  std::string output(const std::string& key) {
    for (const auto& output : describe("web").Outputs)
      if (output.OutputKey == key) return output.OutputValue.value_or("");
    return "none";
  }
  // Oldest first: "<logical id> <status>[: <reason>]".
  std::vector<std::string> events(const std::string& name = "web") {
    std::vector<std::string> out;
    DescribeStackEventsInput request;
    request.StackName = name;
    do {
      auto page = call([&](Service& s) { return s.DescribeStackEvents({}, request); });
      if (!page) break;
      for (const auto& event : page->StackEvents)
        out.push_back(*event.LogicalResourceId + " " + *event.ResourceStatus +
                      (event.ResourceStatusReason ? ": " + *event.ResourceStatusReason : ""));
      request.NextToken = page->NextToken;
    } while (request.NextToken);
    std::ranges::reverse(out);
    return out;
  }
  bool has_event(const std::string& text, const std::string& name = "web") {
    const auto all = events(name);
    const bool found = std::ranges::find(all, text) != all.end();
    if (!found)
      for (const auto& event : all) std::cerr << event << "\n";
    return found;
  }
  void run(std::chrono::seconds time = std::chrono::minutes(5)) { env.loop.run_for(time); }
  std::size_t things() const { return cloud->things.size(); }

  env::SimEnv env;
  Disk disk;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<services::Hints> hints;
  std::unique_ptr<FakeCloud> cloud;
  std::unique_ptr<Service> service;
};

// Whichever call of the template's creation fails, the stack is rolled back and nothing is left.
inline void every_call_may_fail(const std::string& body) {
  std::vector<std::string> operations;
  {
    World world;
    ASSERT_TRUE(world.create(body));
    world.run();
    operations = world.cloud->calls;
  }
  std::ranges::sort(operations);
  operations.erase(std::unique(operations.begin(), operations.end()), operations.end());
  for (const std::string& operation : operations) {
    World world;
    world.cloud->fail_with[operation] = "refused";
    ASSERT_TRUE(world.create(body));
    world.run();
    EXPECT_EQ(world.status(), "ROLLBACK_COMPLETE") << operation;
    EXPECT_EQ(world.things(), 0U) << operation;
  }
}

}  // namespace brume::cloudformation
