@file:Suppress("unused")

package androidx.compose.ui.text

class TextStyle
