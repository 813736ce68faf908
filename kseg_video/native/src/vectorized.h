/* Functions of loops over many small numbers are compiled several times, and the system takes the version
   that suits its processor. PORTABLE leaves out all that is for one kind of processor. */

#if !defined(PORTABLE) && defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTORIZED __attribute__((target_clones("avx2", "default")))
#endif
#else
#define VECTORIZED
#endif
