/* A list of 10,000 entries, each allocated on its own, for scripts/bench-gdb. */
#include <stdlib.h>

struct list_head {
	struct list_head *next, *prev;
};
struct item {
	int a;
	long b;
	struct list_head link;
	struct item *next;
	unsigned char c;
	char name[40];
};
struct list_head head = { &head, &head };
struct item *items;

__attribute__((noipa)) static void ready(void)
{
}

int main(void)
{
	struct item **tail = &items;

	for (int i = 0; i < 10000; i++) {
		struct item *item = calloc(1, sizeof(*item));
		void *between = i % 3 ? NULL : malloc(i % 512);

		item->a = i;
		item->b = i * 3L + (between != NULL);
		item->c = i;
		item->link.next = &head;
		item->link.prev = head.prev;
		head.prev->next = &item->link;
		head.prev = &item->link;
		*tail = item;
		tail = &item->next;
	}
	ready();
	return 0;
}
