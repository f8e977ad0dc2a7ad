#include "lb/config.h"
