//! Receipts as the API gives them.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::{Beside, NOT_EXECUTED, Receipt, ReceiptError};

/// Most bytes of a receipt with all that stands beside it.
const LENGTH_MAX: usize = 64 * 1024;
/// Most bytes of a statement.
const STATEMENT_MAX: usize = 256;

impl Receipt {
    /// Reads a receipt: alone, in an item of a token's history, or in an answered confirmation.
    ///
    /// # Errors
    /// [`ReceiptError::Form`].
    pub fn from_json(json: &str) -> Result<Self, ReceiptError> {
        if json.len() > LENGTH_MAX {
            return Err(ReceiptError::Form);
        }
        Self::from_value(&serde_json::from_str(json).map_err(|_| ReceiptError::Form)?)
    }

    pub(crate) fn from_value(json: &Value) -> Result<Self, ReceiptError> {
        let receipt = json.get("receipt").unwrap_or(json);
        let bytes = |name: &str| {
            let text = receipt.get(name).and_then(Value::as_str).ok_or(ReceiptError::Form)?;
            BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ReceiptError::Form)
        };
        let (statement, signature, key) = (bytes("statement")?, bytes("signature")?, bytes("publicKey")?);
        if statement.len() > STATEMENT_MAX {
            return Err(ReceiptError::Form);
        }
        let said = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let detail = |name: &str| json.get("detail")?.get(name)?.as_str().map(str::to_owned);
        Ok(Self {
            statement,
            signature: signature.try_into().map_err(|_| ReceiptError::Form)?,
            public_key: key.try_into().map_err(|_| ReceiptError::Form)?,
            beside: Beside {
                token: said("token"),
                device: said("device"),
                confirmation: said("confirmation").or_else(|| detail("confirmation")),
                text: said("text"),
                state: said("type")
                    .filter(|kind| kind == NOT_EXECUTED)
                    .or_else(|| said("state"))
                    .or_else(|| detail("state")),
            },
        })
    }
}
