#include "net/fabric.h"
