#include <stdio.h>

int main(void)
{
    puts(missing_greeting);
    return 0;
}
