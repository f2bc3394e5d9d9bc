package ec2

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func (m metadataOptions) item() item {
	return item{
		{"state", "applied"}, {"httpTokens", m.Tokens}, {"httpPutResponseHopLimit", m.Hops}, {"httpEndpoint", m.Endpoint},
		{"httpProtocolIpv6", "disabled"}, {"instanceMetadataTags", m.Tags},
	}
}

// modifyInstanceMetadataOptions changes what it is given a value for. It works on
// instances in any state but the last; the machine's next request meets the new options.
func (e *EC2) modifyInstanceMetadataOptions(_ context.Context, r *request) (any, error) {
	ask := metadataOptions{r.String("HttpTokens"), r.String("HttpEndpoint"), r.String("InstanceMetadataTags"), r.Int("HttpPutResponseHopLimit", 0)}
	r.String("HttpProtocolIpv6")
	r.checkChoice("HttpTokens", ask.Tokens, "optional", "required")
	r.checkChoice("HttpEndpoint", ask.Endpoint, "disabled", "enabled")
	r.checkChoice("InstanceMetadataTags", ask.Tags, "disabled", "enabled")
	if ask.Hops < 0 || ask.Hops > 64 {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%d) for parameter HttpPutResponseHopLimit is invalid. Expected a value between 1 and 64.", ask.Hops))
	}
	return actOn(e, r, "InstanceId", (*account).instance, func(_ *account, i *instance, _ time.Time) (any, error) {
		if i.State == terminated || i.State == shuttingDown {
			return nil, wire.Faultf("IncorrectInstanceState", "The instance '%s' is not in a valid state for this operation.", i.ID)
		}
		m := &i.Metadata
		*m = metadataOptions{cmp.Or(ask.Tokens, m.Tokens), cmp.Or(ask.Endpoint, m.Endpoint), cmp.Or(ask.Tags, m.Tags), cmp.Or(ask.Hops, m.Hops)}
		shown := m.item()
		shown[0].value = "pending" // as EC2 answers; who describes the instance sees it applied
		return item{{"instanceId", i.ID}, {"instanceMetadataOptions", shown}}, nil
	})
}

// checkChoice refuses a value that is none of those that a parameter may have.
func (r *request) checkChoice(param, value string, choices ...string) {
	if value != "" && !slices.Contains(choices, value) {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter %s is invalid.", value, param))
	}
}
