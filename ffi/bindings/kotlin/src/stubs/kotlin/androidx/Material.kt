@file:Suppress("unused", "UNUSED_PARAMETER")

package androidx.compose.material3

import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.text.TextStyle

object MaterialTheme {
    val typography: Typography = Typography()
}

class Typography {
    val displayMedium: TextStyle = TextStyle()
    val titleLarge: TextStyle = TextStyle()
}

@Composable
fun Text(text: String, modifier: Modifier = Modifier, style: TextStyle = TextStyle()) {}

@Composable
fun Button(onClick: () -> Unit, modifier: Modifier = Modifier, enabled: Boolean = true, content: @Composable () -> Unit) {}

@Composable
fun TextButton(onClick: () -> Unit, modifier: Modifier = Modifier, enabled: Boolean = true, content: @Composable () -> Unit) {}

@Composable
fun OutlinedTextField(value: String, onValueChange: (String) -> Unit, label: @Composable () -> Unit = {}) {}
