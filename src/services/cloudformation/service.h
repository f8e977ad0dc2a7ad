// CloudFormation: stacks, change sets, and what is asked about them.
//
// Handlers validate, write what a stack is to be and wake the engine; all that happens to resources is the engine's.
// One object a region. A template is judged whole (lint.h) before a stack is touched.
#pragma once

#include "cloudformation/api.h"
#include "services/cloudformation/engine.h"

namespace brume::cloudformation {

class Service : public Api {
 public:
  Service(services::Context context, Apis apis);

  Result<void> load() { return tables_.load(); }
  void start();

  Result<CreateStackOutput> CreateStack(const aws::Call& call, const CreateStackInput& request) override;
  Result<UpdateStackOutput> UpdateStack(const aws::Call& call, const UpdateStackInput& request) override;
  Result<void> DeleteStack(const aws::Call& call, const DeleteStackInput& request) override;
  Result<void> CancelUpdateStack(const aws::Call& call, const CancelUpdateStackInput& request) override;
  Result<ContinueUpdateRollbackOutput> ContinueUpdateRollback(const aws::Call& call,
                                                              const ContinueUpdateRollbackInput& request) override;
  Result<void> SignalResource(const aws::Call& call, const SignalResourceInput& request) override;
  Result<UpdateTerminationProtectionOutput> UpdateTerminationProtection(
      const aws::Call& call, const UpdateTerminationProtectionInput& request) override;

  // describe.cc
  Result<DescribeStacksOutput> DescribeStacks(const aws::Call& call, const DescribeStacksInput& request) override;
  Result<ListStacksOutput> ListStacks(const aws::Call& call, const ListStacksInput& request) override;
  Result<DescribeStackEventsOutput> DescribeStackEvents(const aws::Call& call,
                                                        const DescribeStackEventsInput& request) override;
  Result<DescribeStackResourceOutput> DescribeStackResource(const aws::Call& call,
                                                            const DescribeStackResourceInput& request) override;
  Result<DescribeStackResourcesOutput> DescribeStackResources(const aws::Call& call,
                                                              const DescribeStackResourcesInput& request) override;
  Result<ListStackResourcesOutput> ListStackResources(const aws::Call& call,
                                                      const ListStackResourcesInput& request) override;
  Result<ListExportsOutput> ListExports(const aws::Call& call, const ListExportsInput& request) override;
  Result<ListImportsOutput> ListImports(const aws::Call& call, const ListImportsInput& request) override;

  // templates.cc
  Result<GetTemplateOutput> GetTemplate(const aws::Call& call, const GetTemplateInput& request) override;
  Result<GetTemplateSummaryOutput> GetTemplateSummary(const aws::Call& call,
                                                      const GetTemplateSummaryInput& request) override;
  Result<ValidateTemplateOutput> ValidateTemplate(const aws::Call& call, const ValidateTemplateInput& request) override;

  // change_sets.cc
  Result<CreateChangeSetOutput> CreateChangeSet(const aws::Call& call, const CreateChangeSetInput& request) override;
  Result<DescribeChangeSetOutput> DescribeChangeSet(const aws::Call& call,
                                                    const DescribeChangeSetInput& request) override;
  Result<ExecuteChangeSetOutput> ExecuteChangeSet(const aws::Call& call, const ExecuteChangeSetInput& request) override;
  Result<DeleteChangeSetOutput> DeleteChangeSet(const aws::Call& call, const DeleteChangeSetInput& request) override;
  Result<ListChangeSetsOutput> ListChangeSets(const aws::Call& call, const ListChangeSetsInput& request) override;

 private:
  // By name (of a stack that is not deleted) or id.
  [[nodiscard]] const StackRecord* find_stack(const std::string& name_or_id) const;
  Result<const StackRecord*> get_stack(const std::optional<std::string>& name_or_id,
                                       std::string_view message = "Stack with id {} does not exist") const;
  [[nodiscard]] const ChangeSetRecord* find_change_set(const std::string& name_or_id,
                                                       const std::optional<std::string>& stack) const;

  // What a request asks a stack to be, judged. `stack`: the present one, for UsePreviousTemplate and UsePreviousValue.
  struct Asked {
    std::optional<std::string> body, url;
    bool previous_template = false;
    const List<Parameter>& parameters;
    const List<Tag>& tags;
    const List<std::string>& capabilities;
    const List<std::string>& resource_types;
    const List<std::string>& notification_arns;
    const std::optional<RollbackConfiguration>& rollback;
  };
  Result<Definition> judge(const Asked& asked, const StackRecord* stack, const std::string& name,
                           const std::string& id);
  [[nodiscard]] templates::LookUp look_up();

  StackRecord new_stack(const std::string& name);
  void purge_expired();
  // Starts the operation. Within a transaction.
  void begin_create(StackRecord stack);
  void begin_update(StackRecord stack, Definition definition);
  void wake_later(const std::string& stack_id);
  void delete_change_sets(const std::string& stack_id, const std::string& except = {});

  services::Context context_;
  Apis apis_;
  Tables tables_;
  Engine engine_;
};

}  // namespace brume::cloudformation
