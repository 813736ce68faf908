/* VECTORIZED functions are compiled for several processors, and the dynamic loader picks the
   version for the one at hand. PORTABLE leaves out all code that is specific to a processor. */

#if !defined(PORTABLE) && defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTORIZED __attribute__((target_clones("avx2", "default")))
#endif
#else
#define VECTORIZED
#endif
