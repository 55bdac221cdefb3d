package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"crmsync/internal/app"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
)

type simCommand struct {
	MondayAddr          string `help:"Address of the simulated Monday." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	SalesforceAddr      string `help:"Address of the simulated Salesforce." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	ComplexityPerMinute int    `help:"Complexity that Monday allows in a minute. 0 means 5,000,000." default:"0" placeholder:"N"`
	SigningSecret       string `help:"Sign Monday's webhooks with this secret, as those of an app are." placeholder:"SECRET"`
}

// Run serves both simulators until ctx ends.
func (c simCommand) Run(ctx context.Context, p *program) error {
	if c.ComplexityPerMinute < 0 {
		return app.UsageError{Err: errors.New("--complexity-per-minute must not be negative")}
	}
	token, id, secret := rand.Text(), rand.Text(), rand.Text()
	monday := mondaysim.New(mondaysim.Config{Token: token, SigningSecret: c.SigningSecret, ComplexityPerMinute: c.ComplexityPerMinute})
	defer monday.Close()
	salesforce := sfsim.New(sfsim.Config{ClientID: id, ClientSecret: secret})
	mondayURL, stopMonday, err := stage.Host(c.MondayAddr, monday)
	if err != nil {
		return fmt.Errorf("serving Monday: %w", err)
	}
	defer stopMonday()
	salesforceURL, stopSalesforce, err := stage.Host(c.SalesforceAddr, salesforce)
	if err != nil {
		return fmt.Errorf("serving Salesforce: %w", err)
	}
	defer stopSalesforce()
	fmt.Fprintf(p.stdout, "SIM_MONDAY_URL=%s/v2\nSIM_MONDAY_TOKEN=%s\nSIM_SALESFORCE_URL=%s\nSIM_SALESFORCE_CLIENT_ID=%s\nSIM_SALESFORCE_CLIENT_SECRET=%s\n",
		mondayURL, token, salesforceURL, id, secret)
	<-ctx.Done()
	return nil
}
