// How a service reaches what Brume does not have itself, where its user says that it is somewhere else.
#pragma once

#include "aws/outgoing.h"
#include "env/aside.h"

namespace brume::services {

struct Outside {
  aws::Outgoing calls;
  env::Aside aside;  // threads of its own for them: they wait long for who does not answer
};

}  // namespace brume::services
