#include "compute/driver.h"
