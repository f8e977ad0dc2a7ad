// Texts that a record has to have in its message to pass a stage's filters: looking for them first is a search in
// memory, and most records of a query with a filter go no further.
#pragma once

#include <vector>

#include "services/logs/insights/plan.h"

namespace brume::logs::insights {

// The needles of a stage of records. A filter that says no more than a needle is taken out of the stage.
std::vector<Needle> take_needles(Stage& stage);

bool has(std::string_view message, const Needle& needle);

}  // namespace brume::logs::insights
