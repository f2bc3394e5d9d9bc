// Package bench holds the promises about speed and size, as benchmarks that
// compare regain with something run beside it. `make bench` runs them. It is
// test support and imports nothing of the product: it runs the built program.
package bench
