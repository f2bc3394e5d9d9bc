package offline

// SameName is for tests.
var SameName = sameName
