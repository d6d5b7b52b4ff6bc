#include "plugins/plugins.h"
int main() { return 0; }
