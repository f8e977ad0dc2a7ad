// What deploying a definition over a stack's present resources would do: the changes of a change set.
//
// Judged from properties as far as they are known: what refers to a resource that is made or replaced is unknown, so a
// create-only property that does gives replacement "Conditional".
#pragma once

#include "services/cloudformation/engine.h"

namespace brume::cloudformation {

Result<List<Change>> preview(Engine& engine, const Tables& tables, const StackRecord& stack,
                             const Definition& definition);

// Would an update be without any effect: no changes, and outputs, tags and policies as they are?
Result<bool> without_effect(Engine& engine, const Tables& tables, const StackRecord& stack,
                            const Definition& definition);

}  // namespace brume::cloudformation
