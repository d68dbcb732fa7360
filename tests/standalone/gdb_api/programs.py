"""Programs that crash in a function of their own."""

C_SOURCE = r"""
#include <stddef.h>
enum color { RED, GREEN = 5 };
enum flags { READ = 1, WRITE = 2, EXEC = 8 };
struct point { int x, y; char name[16]; enum color c; struct point *next; };
struct nested { struct { int a; unsigned b : 3, c : 5; }; union { int i; float f; } u;
                struct point points[2]; int (*call)(int); const char *text; };
typedef unsigned char byte;
typedef struct point point_t;
int twice(int n) { return n * 2; }
struct point origin = {1, 2, "origin", GREEN, &origin};
struct nested nested = {{1, 2, 3}, {4}, {{5}, {6}}, twice, "some text"};
static int table[20] = {1, 2, 3};
int matrix[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
enum flags all = READ | EXEC, odd = 4, none;
byte bytes[5] = {1, 2, 'a'};
byte one = 200; signed char negative = -3; short small = -7; _Bool yes = 1;
unsigned long big = 0xffffffffffffffff; long long wide = -5; float single = 1.1f;
double real = 0.1; long double longer = 1.25L; char zeros[300]; char runs[40];
point_t *pointer = &origin; void *nowhere; void *somewhere = &table[3];
int (*functions[2])(int) = {twice, NULL}; const char *words[3] = {"one", "two"};
enum mask { LOW = 3, HIGH = 12 } masked = 7;
struct { int s : 5; unsigned u : 3; } narrow = {-3, 6};
long double tenth = -0.1L, huge = 1e100L;
const char *accents = "gr\xc3\xbc\xc3\x9f \xff";
char many[400];
static char lines[] = "tab\tquote\"back\\new\nend\001" "1\377";
struct bits { unsigned a : 3, b : 4, : 0, c : 9; int d : 2; char e;
              unsigned long f : 40, g : 10; short h : 3; };
union either { char b[7]; struct point p; struct { char q; short r; }; int n : 3; };
struct __attribute__((packed)) packed { char a; int b; unsigned d : 5; };
struct layout { union either u; struct { char c; int a; } *(*f)(void), x[2]; char a;
                const struct bits bits; point_t typedefed; enum color color;
                struct { char z; struct { long y; char x; } in; } mid; int m[3][4];
                volatile struct bits *p, more[3]; struct unknown *unknown;
                struct {} empty; struct packed packed; char end[]; } layout;
union word { int n; struct { unsigned low : 3, rest : 29; } parts; } word = {17};
struct pair { int first, second; } pair = {1, 2};
static inline __attribute__((always_inline)) int inlined(int n) { return n + 1; }
static int crash(struct point *p, int depth)
{
    int local = depth + p->x;
    char buf[12] = "hello";
    if (depth == 3) {
        int *inner = NULL;
        *inner = local + buf[0];
    }
    return crash(p->next, depth + 1) + local;
}
int main(int argc, char **argv)
{
    double d = 1.5;
    for (int i = 0; i < 40; i++) runs[i] = i < 15 ? 'x' : i < 20 ? 'y' : 'z';
    runs[39] = 0;
    for (int i = 0; i < 400; i++) many[i] = i < 250 ? 'q' : 'r';
    table[4] = 9;
    return crash(&origin, 0) + (int)d + inlined(argc);
}
"""

CPLUS_SOURCE = r"""
struct Base { int b; Base() : b(9) {} virtual ~Base() {} };
struct Derived : Base { double d; const char *s; bool flag;
                        Derived() : d(1.5), s("text"), flag(true) {} };
namespace ns { template<class T> struct Box { T value; Box *next; };
               enum Kind { ONE = 1, TWO, FOUR = 4 }; Kind kind = Kind(5); }
struct Vector { int *begin, *end; };
struct Text { const char *data; unsigned long size; };
struct Both { Text key; Vector value; };
Derived global; Base *as_base = &global;
ns::Box<int> box = {3, nullptr}; ns::Box<int> other = {4, &box};
static int numbers[] = {1, 2, 3};
Vector vector = {numbers, numbers + 3}, empty = {numbers, numbers};
Text text = {"some text", 4}; Both both = {text, vector};
enum class Level : char { LOW = 1, HIGH }; Level level = Level::HIGH;
struct Counted { int own; static int count; static const int limit = 4;
                 static Counted first; unsigned bits : 3; };
int Counted::count = 3; Counted Counted::first = {7, 1}; Counted counted = {5, 2};
struct Kept : Counted { enum class In { A, B } in; }; Kept kept;
int f(ns::Box<int> *b, int n) { *(volatile int *)0 = n; return b->value; }
int main() { return f(&other, 7); }
"""
