/* A process with something of everything, in a file small enough to damage anywhere. */

enum color { RED, GREEN = 5, BLUE = -1 };
typedef unsigned long word;

union value {
	int number;
	double real;
	const char *text;
};

struct node {
	struct node *next;
	enum color color : 4;
	unsigned int bits : 5;
	union value value;
	struct {
		short x, y;
	};
	char name[8];
};

struct shape {
	int sides;
	struct node *corners[];
};

typedef int (*visitor)(struct node *node, word depth);

struct node nodes[3] = {
	{ &nodes[1], GREEN, 3, { .number = 7 }, { 1, 2 }, "first" },
	{ &nodes[2], BLUE, 17, { .text = "text" }, { -1, -2 }, "second" },
	{ 0, RED, 0, { .real = 1.5 }, { 0, 0 }, "third" },
};
struct node *root = nodes;
struct shape shapes = { 2 };
extern int unsized[];
int table[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
const volatile word flags = 0x1234;

static inline __attribute__((always_inline)) word fold(struct node *node, word depth)
{
	word sum = depth;

	for (; node; node = node->next)
		sum += node->bits;
	if (sum > flags)
		__builtin_trap();
	return sum;
}

__attribute__((noinline)) int visit(struct node *node, word depth)
{
	struct node copy = *node;
	word total = fold(&copy, depth);

	return (int)total + copy.bits;
}

visitor visitors[] = { visit };

__attribute__((noinline)) int work(word depth)
{
	char path[16] = "a path";
	int result = visitors[0](root, depth);

	__asm__ volatile("" : : "r"(path) : "memory");
	return result + 1;
}

__attribute__((noreturn, force_align_arg_pointer)) void _start(void)
{
	shapes.sides++;
	work(0x10000);
	for (;;)
		;
}
