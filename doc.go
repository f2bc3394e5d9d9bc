// Package regain is the root of the module. It holds no code: the tests beside it
// check what no single package can, such as who may import whom, the budgets of
// files and functions, and that everything exported is documented. It imports
// nothing.
package regain
