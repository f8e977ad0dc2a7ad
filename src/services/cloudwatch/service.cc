#include "services/cloudwatch/service.h"
