/*
 * What the tests of control run: each kind of object, and calls of each kind.
 * Names are none of libc's debugging information, which some machines have.
 */
#include <stdarg.h>
#include <string.h>

struct node {
	int value;
	struct node *next;
	char name[8];
	unsigned small : 3, other : 5;
	signed wide : 11;
};
struct node third_node = { 3, 0, "three", 1, 7, -1 };
struct node second_node = { 2, &third_node, "two", 2, 9, 5 };
struct node first_node = { 1, &second_node, "one", 3, 11, -1000 };
int counter = 7;
double ratio = 0.5;
float single = 0.25;
_Bool is_on = 1;
enum color { RED, GREEN, BLUE } color = GREEN;
typedef struct {
	double x, y;
} point;
point origin = { 1.5, -2.5 };
int numbers[4] = { 1, 2, 3, 4 };
const int fixed = 5;

static int add(int a, int b)
{
	int sum = a + b;
	counter = sum;
	return sum;
}
int (*operation)(int, int) = add;

point scale(point p, double by)
{
	p.x *= by;
	p.y *= by;
	return p;
}

struct node made(int value)
{
	struct node n = { value, &first_node, "made", 5, 6, -7 };
	return n;
}

int length(const char *s)
{
	return strlen(s);
}

int sum_of(int n, ...)
{
	va_list args;
	int sum = 0;

	va_start(args, n);
	while (n--)
		sum += va_arg(args, int);
	va_end(args);
	return sum;
}

_Bool is_color(enum color c)
{
	return c == color;
}

float halved(float x)
{
	return x / 2;
}

struct node *next_of(struct node *n)
{
	return n->next;
}

void nothing(void)
{
	counter++;
}

int crash(void)
{
	return *(volatile int *)8;
}

int main(void)
{
	int local = 42;

	for (int i = 0; i < 5; i++)
		add(local, i);
	counter = 0;
	return 3;
}
