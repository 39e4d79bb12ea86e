//! Rules over metrics, the alerts they raise, and who hears of them.
