// Package bench holds the promises about speed and size, as benchmarks that
// compare regain with something run beside it. `make bench` runs them. Of the
// agent it runs the built program; of the controller it drives rescues in an
// account in memory, in simulated time. What it measures, it does not test: that
// a rescue is right is others' business.
package bench
