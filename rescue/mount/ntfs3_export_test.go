package mount

// Proven is for tests.
var Proven = proven
