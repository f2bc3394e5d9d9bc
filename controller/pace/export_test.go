package pace

// Turns are how many are kept, Used how many buckets were asked for tokens.
func Turns(c *Cloud) int { return len(c.turns) }

// Used is how many buckets were asked for tokens.
func Used(c *Cloud) int { return len(c.buckets) }
