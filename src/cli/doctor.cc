#include "cli/doctor.h"

#include <cstdio>

#include "daemon/doctor.h"

namespace brume::cli {

int doctor(const daemon::Settings& settings) {
  int problems = 0;
  for (const daemon::Finding& finding : daemon::examine(settings)) {
    const bool bad = finding.level != daemon::Finding::Level::ok;
    problems += bad;
    std::printf("%s %-20s %s\n", bad ? "✗" : "✓", finding.what.c_str(), finding.text.c_str());
    if (bad) std::printf("  %-20s → %s\n", "", finding.mend.c_str());
  }
  if (problems == 0) std::printf("Nothing is missing.\n");
  return problems == 0 ? 0 : 1;
}

}  // namespace brume::cli
