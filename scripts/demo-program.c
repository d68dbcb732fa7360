/*
 * A program to debug: a workshop whose workers wait for orders.
 *
 * The orders hang on a linked list in the order they came and on a search tree by
 * number, with the same links as in the Linux kernel, so that the helpers for lists and
 * red-black trees walk them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct list_head {
	struct list_head *next, *prev;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right, *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

enum state { WAITING, SHARPENING, DONE };

struct order {
	unsigned int number;
	enum state state : 4;
	unsigned int blades : 12;
	char customer[12];
	double price;
	struct list_head queue;
	struct rb_node by_number;
};

struct list_head orders = { &orders, &orders };
struct rb_root orders_by_number;
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t work = PTHREAD_COND_INITIALIZER;
int idle_workers;

static void enqueue(struct order *order)
{
	struct rb_node **link = &orders_by_number.rb_node, *parent = NULL;

	order->queue.prev = orders.prev;
	order->queue.next = &orders;
	orders.prev->next = &order->queue;
	orders.prev = &order->queue;

	while (*link) {
		size_t offset = offsetof(struct order, by_number);
		struct order *other = (struct order *)((char *)*link - offset);

		parent = *link;
		link = order->number < other->number ? &parent->rb_left
						     : &parent->rb_right;
	}
	order->by_number.__rb_parent_color = (unsigned long)parent;
	*link = &order->by_number;
}

static void take_order(unsigned int number, const char *customer, unsigned int blades)
{
	struct order *order = calloc(1, sizeof(*order));

	order->number = number;
	strncpy(order->customer, customer, sizeof(order->customer) - 1);
	order->blades = blades;
	order->price = blades * 4.5;
	enqueue(order);
}

static int wait_for_work(int worker)
{
	int rounds = 0;

	pthread_mutex_lock(&lock);
	idle_workers++;
	for (;;) {
		pthread_cond_wait(&work, &lock);
		rounds++;
	}
	return rounds + worker;
}

static void *run_worker(void *arg)
{
	int worker = (int)(long)arg;
	char name[16];

	snprintf(name, sizeof(name), "worker-%d", worker);
	prctl(PR_SET_NAME, name);
	wait_for_work(worker);
	return NULL;
}

int main(void)
{
	static const char *const customers[] = { "Ada", "Brian", "Edsger", "Grace" };
	pthread_t workers[3];

	/* Let any of the user's programs debug this one, where Yama would not. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	for (unsigned int i = 0; i < 8; i++)
		take_order(i * 5 % 8 + 100, customers[i % 4], i + 1);
	for (long i = 0; i < 3; i++)
		pthread_create(&workers[i], NULL, run_worker, (void *)i);
	for (int idle = 0; idle < 3; usleep(1000)) {
		pthread_mutex_lock(&lock);
		idle = idle_workers;
		pthread_mutex_unlock(&lock);
	}
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < 3; i++)
		pthread_join(workers[i], NULL);
	return 0;
}
