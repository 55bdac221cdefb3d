package app

import (
	"errors"
	"log/slog"

	"crmsync/worker/alert"
)

// NewChannels returns the configured alert channels.
func NewChannels(c Config) ([]alert.Channel, error) {
	return newChannels(c, slog.New(slog.DiscardHandler))
}

func newChannels(c Config, log *slog.Logger) (channels []alert.Channel, err error) {
	var faults []error
	if c.TelegramToken != "" {
		telegram, err := alert.NewTelegram(c.TelegramURL, c.TelegramToken, c.TelegramChat, log)
		faults = append(faults, err)
		channels = append(channels, telegram)
	}
	if c.SlackURL != "" {
		slack, err := alert.NewSlack(c.SlackURL)
		faults = append(faults, err)
		channels = append(channels, slack)
	}
	further, err := alert.NewServices(c.AlertURLs)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	return append(channels, further...), nil
}
