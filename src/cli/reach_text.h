// An analysis of Reachability Analyzer for people: a line a hop, and which rule decides, in words.
//
// Pure. Says what the shape says; a code that it does not know is shown as it is.
#pragma once

#include <string>

#include "ec2/shapes.h"

namespace brume::cli {

// Of the first packet ("web → db, tcp 5432"), every hop; of its reply only if it does not come back. Ends with a
// verdict.
std::string in_words(const ec2::NetworkInsightsAnalysis& analysis, const std::string& title);

// Of `brume reach`: 0 reachable, 1 not, 2 could not tell.
int exit_status(const ec2::NetworkInsightsAnalysis& analysis);

}  // namespace brume::cli
