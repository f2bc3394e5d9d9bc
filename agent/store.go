package agent

import (
	"context"

	"github.com/seed-77750964/regain/agent/key"
)

// store is where the private key of this run goes; nil for a dry run without a
// choice, and for a key that was given.
func (w *work) store() key.Store {
	switch c := w.job.choice; {
	case c.File != "":
		return key.FileStore{Path: c.File}
	case c.Parameter != "":
		return parameter{connect: w.env.Connect, store: key.SSMStore{Name: c.Parameter, KMSKey: w.task.KMSKey}}
	}
	return nil
}

// parameter connects to AWS when a key is to be stored, and not before: a dry
// run and a refused volume need neither credentials nor network.
type parameter struct {
	connect func(context.Context) (key.ParameterStore, error)
	store   key.SSMStore
}

func (p parameter) Put(ctx context.Context, pair *key.Pair, label key.Label) (key.Place, error) {
	client, err := p.connect(ctx)
	if err != nil {
		return key.Place{}, err
	}
	p.store.Client = client
	return p.store.Put(ctx, pair, label)
}

func (p parameter) Forget(ctx context.Context, place key.Place) (string, error) {
	return p.store.Forget(ctx, place)
}
